import { Agent } from '../gen/telepresence_pb.ts';

/**
 * How a laptop asks an agent for the files of a container: a POST whose body, both ways, is SFTP.
 * The relay forwards it as any call to the agent: of the laptop's own Intercept only.
 */
export const filesPath = `/${Agent.typeName}/Files`;
/** The container that is meant. */
export const containerHeader = 'telepresence-container';
/** `1`: whatever the volumes allow, nothing is to be written. */
export const readOnlyHeader = 'telepresence-read-only';
