import { envSyntaxes } from '../../output/env-syntax.ts';
import type { FlagSpec } from '../../parse/flag-spec.ts';

/** Flags that several of `intercept`, `wiretap` and `ingest` have, each with the help that fits them all. */

/** Where the traffic goes, and which port of the service is meant. */
export const port: FlagSpec = {
  name: 'port',
  short: 'p',
  kind: 'text',
  value: 'LAPTOP PORT[:SERVICE PORT[/UDP]]',
  help: 'The port that answers here (default 8080), and the port of the service (name or number) where there are several',
};

/** The workload, where the name is another's. */
export const workload: FlagSpec = {
  name: 'workload',
  short: 'w',
  kind: 'text',
  complete: 'workload',
  help: 'Name of the workload, where it is not NAME',
};

/** The service, where several lead to the workload. */
export const service: FlagSpec = {
  name: 'service',
  kind: 'text',
  help: 'Name of the service, where several match',
};

/** Ports of the pod's loopback. */
export const toPod: FlagSpec = {
  name: 'to-pod',
  kind: 'csv',
  value: 'PORT[/UDP]',
  help: "A port of the pod's localhost, a sidecar's perhaps, that is wanted at localhost here; may be repeated",
};

/** Whose environment and volumes are meant. */
export const container: FlagSpec = {
  name: 'container',
  kind: 'text',
  help: 'Name of the container whose environment is taken',
};

/** Where traffic is sent to. */
export const address: FlagSpec = {
  name: 'address',
  kind: 'text',
  value: 'host',
  default: '127.0.0.1',
  help: 'Where the traffic is sent to, when not to this machine',
};

/** How traffic is chosen. */
export const mechanism: FlagSpec = {
  name: 'mechanism',
  kind: 'text',
  default: 'tcp',
  complete: ['tcp'],
  help: 'How traffic is chosen: tcp',
};

/** What is written of the container's environment, and where. */
export const environment: readonly FlagSpec[] = [
  {
    name: 'env-file',
    short: 'e',
    kind: 'text',
    value: 'file',
    complete: 'file',
    help: "Write the container's environment, for docker run --env-file unless --env-syntax says otherwise",
  },
  {
    name: 'env-syntax',
    kind: 'text',
    value: envSyntaxes.join('|'),
    default: 'docker',
    complete: envSyntaxes,
    help: 'The syntax of --env-file',
  },
  {
    name: 'env-json',
    short: 'j',
    kind: 'text',
    value: 'file',
    complete: 'file',
    help: "Write the container's environment as JSON",
  },
];

/** Where the container's volumes are seen. */
export const mount: FlagSpec = {
  name: 'mount',
  kind: 'text',
  value: 'true|false|PATH[:ro]',
  default: 'true',
  complete: ['true', 'false'],
  help: "Mount the container's volumes: in a new directory, not at all, or in PATH; with :ro nothing of them is written",
};

/** The same for those who only look. */
export const readOnlyMount: FlagSpec = {
  ...mount,
  value: 'true|false|PATH',
  help: "Mount the container's volumes, never to be written: in a new directory, not at all, or in PATH",
};

/** What is told, and when. */
export const telling = (what: string): readonly FlagSpec[] => [
  {
    name: 'detailed-output',
    kind: 'switch',
    help: `With --output json or yaml: everything that is known of the ${what}, environment included`,
  },
  {
    name: 'wait-message',
    kind: 'text',
    help: 'Print this once the COMMAND has been started',
  },
];

/** A container that answers. */
export const handler: readonly FlagSpec[] = [
  {
    name: 'docker-run',
    kind: 'switch',
    help: 'Have a container answer: what follows -- is said to docker run, with network, environment and volumes of the intercept, which ends when the container does',
  },
  {
    name: 'docker-build',
    kind: 'text',
    value: 'folder',
    help: 'Build an image of this folder and run it, as --docker-run does; the word IMAGE after -- stands for it',
  },
  {
    name: 'docker-build-opt',
    kind: 'list',
    value: 'KEY=VALUE',
    help: 'An option of docker build, --KEY=VALUE there; may be repeated',
  },
  {
    name: 'docker-debug',
    kind: 'text',
    value: 'folder',
    help: 'The same as --docker-build, for a container in which a debugger may run',
  },
  {
    name: 'docker-mount',
    kind: 'text',
    value: 'PATH',
    help: "The container's directory below which it has the volumes; where they are in the pod unless said, or --mount PATH",
  },
];

/** Flags after which the image of a container may come without a `--`. */
export const handlerFlags: readonly string[] = ['docker-run', 'docker-build', 'docker-debug'];
