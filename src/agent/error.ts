import { CodedError } from '#base/errors.ts';

export type AgentErrorCode =
  /** The configuration in the agent's environment cannot be read. */
  | 'ConfigInvalid'
  /** The init container cannot lay its rules. */
  | 'RulesRefused'
  /** The pod shares the node's network: rules would change the node. */
  | 'HostNetwork'
  /** The manager cannot be reached, or is not the one that was pinned. */
  | 'ManagerUnreachable'
  /** The manager reached does not accept this agent. */
  | 'ManagerRefused'
  /** The environment of a container that this agent does not know. */
  | 'ContainerUnknown'
  /** A port cannot be listened on. */
  | 'ListenFailed';

/** Every failure of the agent. */
export class AgentError extends CodedError<AgentErrorCode> {}
