import type { FlagSpec } from '../../parse/flag-spec.ts';
import type { CommandSpec } from '../command-spec.ts';
import { envSyntaxes } from '../../output/env-syntax.ts';
import { globalFlags, workloadNamespace } from './shared-flags.ts';

const workload: FlagSpec = {
  name: 'workload',
  short: 'w',
  kind: 'text',
  complete: 'workload',
  help: 'Name of the workload, where it is not NAME',
};
const toPod: FlagSpec = {
  name: 'to-pod',
  kind: 'csv',
  value: 'PORT[/UDP]',
  help: "A port of the pod's localhost, a sidecar's perhaps, that is wanted at localhost here; may be repeated",
};
const address: FlagSpec = {
  name: 'address',
  kind: 'text',
  value: 'host',
  default: '127.0.0.1',
  help: 'Where the traffic is sent to, when not to this machine',
};
const force: FlagSpec = {
  name: 'force',
  kind: 'switch',
  help: 'Take over what you intercept yourself on another machine, or lost when this one was gone',
};

const choosing: readonly FlagSpec[] = [
  {
    name: 'port',
    short: 'p',
    kind: 'text',
    value: 'LAPTOP PORT[:SERVICE PORT[/UDP]]',
    help: 'The port that answers here (default 8080), and the port of the service (name or number) where there are several',
  },
  workload,
  { name: 'service', kind: 'text', help: 'Name of the service, where several match' },
  toPod,
  { name: 'container', kind: 'text', help: 'Name of the container whose environment is taken' },
  address,
  {
    name: 'mechanism',
    kind: 'text',
    default: 'tcp',
    complete: ['tcp'],
    help: 'How traffic is chosen: tcp',
  },
  {
    name: 'preview-url',
    kind: 'switch',
    help: 'Scripts say --preview-url=false; there are no preview links of a vendor',
    hidden: true,
  },
  {
    name: 'replace',
    kind: 'switch',
    help: 'The container that serves the port does not run meanwhile: its pods are restarted for that, and again when the intercept ends',
  },
  force,
  workloadNamespace('The namespace of the workload'),
];

const replacing: readonly FlagSpec[] = [
  {
    name: 'port',
    short: 'p',
    kind: 'csv',
    value: 'LAPTOP PORT[:CONTAINER PORT]',
    help: "The port that answers here for a port of the container (name or number); may be repeated. Each other port of the container goes to the same number here, as all of them do without it, or with 'all'",
  },
  {
    name: 'container',
    kind: 'text',
    help: 'Name of the container that is replaced, where the pod has several',
  },
  workload,
  toPod,
  address,
  force,
  workloadNamespace('The namespace of the workload'),
];

const taking: readonly FlagSpec[] = [
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
  {
    name: 'mount',
    kind: 'text',
    value: 'true|false|PATH[:ro]',
    default: 'true',
    complete: ['true', 'false'],
    help: "Mount the container's volumes: in a new directory, not at all, or in PATH; with :ro nothing of them is written",
  },
];

const telling: readonly FlagSpec[] = [
  {
    name: 'detailed-output',
    kind: 'switch',
    help: 'With --output json or yaml: everything that is known of the intercept, environment included',
  },
  {
    name: 'wait-message',
    kind: 'text',
    help: 'Print this once the COMMAND has been started',
  },
];

/** `telepresence intercept` */
export const intercept: CommandSpec = {
  path: ['intercept'],
  summary: 'Intercept a service: its traffic is answered by this machine',
  details:
    'With a COMMAND the intercept ends when the command does; it runs with the environment\nof the intercepted container.',
  examples: [
    'telepresence intercept hello --port 9000',
    'telepresence intercept hello --port 9000:http -- npm start',
  ],
  positionals: { names: ['NAME'], command: true, complete: 'workload' },
  flagGroups: [{ title: 'Flags', flags: [...choosing, ...taking, ...telling] }, globalFlags],
  load: async () => (await import('../intercept.ts')).runIntercept,
};

/** `telepresence replace` */
export const replace: CommandSpec = {
  path: ['replace'],
  summary: 'Replace a container of a workload: this machine does its work',
  details:
    'The container does not run meanwhile: the pods are restarted for that, and again when it\nis over (telepresence leave, or the end of the COMMAND). All of its TCP ports are answered here;\nits environment and volumes are here too. A container without ports can be replaced as well.',
  examples: [
    'telepresence replace hello --port 9000:http',
    'telepresence replace worker --container queue -- npm start',
  ],
  positionals: { names: ['NAME'], command: true, complete: 'workload' },
  flagGroups: [{ title: 'Flags', flags: [...replacing, ...taking, ...telling] }, globalFlags],
  load: async () => (await import('../intercept.ts')).runReplace,
};

/** `telepresence leave` */
export const leave: CommandSpec = {
  path: ['leave'],
  summary: 'End an intercept, or what was replaced',
  positionals: { names: ['NAME'], complete: 'intercept' },
  flagGroups: [globalFlags],
  load: async () => (await import('../leave.ts')).runLeave,
};

/** `telepresence uninstall` */
export const uninstall: CommandSpec = {
  path: ['uninstall'],
  summary: 'Take traffic-agents out of workloads',
  details: 'The pods of these workloads are replaced by pods without an agent.',
  examples: ['telepresence uninstall hello web', 'telepresence uninstall --all-agents'],
  positionals: { names: [], rest: 'WORKLOAD', complete: 'workload' },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'agent',
          short: 'd',
          kind: 'switch',
          help: 'Of the named workloads (which is meant without it, too)',
        },
        {
          name: 'all-agents',
          short: 'a',
          kind: 'switch',
          help: 'Of all workloads of the connected namespace',
        },
        {
          name: 'everything',
          short: 'e',
          kind: 'switch',
          hidden: true,
          help: 'Now: helm uninstall',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../uninstall.ts')).runUninstall,
};
