import type { FlagSpec } from '../../parse/flag-spec.ts';
import type { CommandSpec } from '../command-spec.ts';
import * as flags from './attaching-flags.ts';
import { globalFlags, workloadNamespace } from './shared-flags.ts';
import { interceptRun, interceptValidate } from './specification.ts';

const force: FlagSpec = {
  name: 'force',
  kind: 'switch',
  help: 'Take over what you intercept yourself on another machine, or lost when this one was gone',
};

const replacing: readonly FlagSpec[] = [
  {
    name: 'port',
    short: 'p',
    kind: 'csv',
    value: 'LAPTOP PORT[:CONTAINER PORT[/UDP]]',
    help: "The port that answers here for a port of the container (name or number, /UDP where TCP has it too); may be repeated. Each other port of the container goes to the same number here, as all of them do without it, or with 'all'",
  },
  {
    name: 'container',
    kind: 'text',
    help: 'Name of the container that is replaced, where the pod has several',
  },
  flags.workload,
  flags.toPod,
  flags.address,
  force,
  workloadNamespace('The namespace of the workload'),
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
  positionals: {
    names: ['NAME'],
    command: true,
    commandAfter: flags.handlerFlags,
    complete: 'workload',
  },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        flags.port,
        flags.workload,
        flags.service,
        flags.toPod,
        flags.container,
        flags.address,
        flags.mechanism,
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
        ...flags.environment,
        ...flags.handler,
        flags.mount,
        ...flags.telling('intercept'),
      ],
    },
    globalFlags,
  ],
  subcommands: [interceptRun, interceptValidate],
  load: async () => (await import('../intercept.ts')).runIntercept,
};

/** `telepresence replace` */
export const replace: CommandSpec = {
  path: ['replace'],
  summary: 'Replace a container of a workload: this machine does its work',
  details:
    'The container does not run meanwhile: the pods are restarted for that, and again when it\nis over (telepresence leave, or the end of the COMMAND). All of its ports, TCP and UDP,\nare answered here; its environment and volumes are here too. A container without ports can be\nreplaced as well.',
  examples: [
    'telepresence replace hello --port 9000:http',
    'telepresence replace worker --container queue -- npm start',
  ],
  positionals: {
    names: ['NAME'],
    command: true,
    commandAfter: flags.handlerFlags,
    complete: 'workload',
  },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        ...replacing,
        ...flags.environment,
        ...flags.handler,
        flags.mount,
        ...flags.telling('intercept'),
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../intercept.ts')).runReplace,
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
