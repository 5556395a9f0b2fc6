import type { FlagSpec } from '../parse/flag-spec.ts';
import type { CommandSpec, FlagGroup } from './command-spec.ts';
import { kubeFlags } from './kube-flag-specs.ts';

const help: FlagSpec = { name: 'help', short: 'h', kind: 'switch', help: 'Show this help' };
const globalFlags: FlagGroup = { title: 'Global Flags', flags: [help] };
const kubeGroup: FlagGroup = { title: 'Kubernetes flags', flags: kubeFlags };
const managerNamespace: FlagSpec = {
  name: 'manager-namespace',
  kind: 'text',
  help: 'The namespace where the traffic-manager is (default ambassador)',
};

const connect: CommandSpec = {
  path: ['connect'],
  summary: 'Connect to a cluster',
  details:
    "The cluster's services and pods are reachable from this machine until `telepresence quit`.\n" +
    'With a COMMAND the connection ends when the command does.',
  examples: ['telepresence connect --namespace myns', 'telepresence connect -- curl http://echo'],
  positionals: { names: [], command: true },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        managerNamespace,
        { name: 'name', kind: 'text', help: 'Name of the connection' },
        {
          name: 'mapped-namespaces',
          kind: 'csv',
          value: 'strings',
          help: 'Namespaces whose names are resolved; all when left out',
        },
        {
          name: 'also-proxy',
          kind: 'csv',
          value: 'CIDRs',
          help: 'Further subnets that are reached through the cluster',
        },
        {
          name: 'never-proxy',
          kind: 'csv',
          value: 'CIDRs',
          help: 'Subnets that are left alone',
        },
      ],
    },
    kubeGroup,
    globalFlags,
  ],
  load: async () => (await import('./connect.ts')).runConnect,
};

const intercept: CommandSpec = {
  path: ['intercept'],
  summary: 'Intercept a service: its traffic is answered by this machine',
  details:
    'With a COMMAND the intercept ends when the command does; it runs with the environment\nof the intercepted container.',
  examples: [
    'telepresence intercept hello --port 9000',
    'telepresence intercept hello --port 9000:http -- npm start',
  ],
  positionals: { names: ['NAME'], command: true },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'port',
          short: 'p',
          kind: 'text',
          value: 'LAPTOP PORT[:SERVICE PORT]',
          default: '8080',
          help: 'The port that answers here, and the port of the service (name or number) where there are several',
        },
        {
          name: 'workload',
          short: 'w',
          kind: 'text',
          help: 'Name of the workload, where it is not NAME',
        },
        { name: 'service', kind: 'text', help: 'Name of the service, where several match' },
        {
          name: 'container',
          kind: 'text',
          help: 'Name of the container whose environment is taken',
        },
        {
          name: 'address',
          kind: 'text',
          value: 'host',
          default: '127.0.0.1',
          help: 'Where the traffic is sent to, when not to this machine',
        },
        { name: 'mechanism', kind: 'text', default: 'tcp', help: 'How traffic is chosen: tcp' },
        {
          name: 'env-file',
          short: 'e',
          kind: 'text',
          value: 'file',
          help: "Write the container's environment for docker run --env-file",
        },
        {
          name: 'env-json',
          short: 'j',
          kind: 'text',
          value: 'file',
          help: "Write the container's environment as JSON",
        },
        {
          name: 'mount',
          kind: 'text',
          value: 'true|false',
          default: 'true',
          help: "Mount the container's volumes (not in this version)",
        },
        { name: 'namespace', short: 'n', kind: 'text', help: 'The namespace of the workload' },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('./intercept.ts')).runIntercept,
};

const leave: CommandSpec = {
  path: ['leave'],
  summary: 'End an intercept',
  positionals: { names: ['NAME'] },
  flagGroups: [globalFlags],
  load: async () => (await import('./leave.ts')).runLeave,
};

const list: CommandSpec = {
  path: ['list'],
  summary: 'List the workloads and their intercepts',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'namespace',
          short: 'n',
          kind: 'text',
          help: 'The namespace, where not the connected one',
        },
        { name: 'intercepts', short: 'i', kind: 'switch', help: 'Only what is intercepted' },
        { name: 'agents', short: 'a', kind: 'switch', help: 'Only workloads with a traffic-agent' },
        {
          name: 'only-interceptable',
          short: 'o',
          kind: 'switch',
          default: 'true',
          help: 'Leave out what cannot be intercepted',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('./list.ts')).runList,
};

const status: CommandSpec = {
  path: ['status'],
  summary: 'Show the state of the daemons, the connection and the intercepts',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  load: async () => (await import('./status.ts')).runStatus,
};

const quit: CommandSpec = {
  path: ['quit'],
  summary: 'Disconnect from the cluster',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'stop-daemons',
          short: 's',
          kind: 'switch',
          help: 'End the daemons too',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('./quit.ts')).runQuit,
};

const version: CommandSpec = {
  path: ['version'],
  summary: 'Show the versions of the client, the daemons and the traffic-manager',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  load: async () => (await import('./version.ts')).runVersion,
};

const valueFlags: readonly FlagSpec[] = [
  { name: 'set', kind: 'list', value: 'KEY=VALUE', help: 'Set a value; may be repeated' },
  {
    name: 'values',
    short: 'f',
    kind: 'list',
    value: 'file',
    help: 'A YAML file of values; may be repeated',
  },
];

function helm(name: string, summary: string, flags: readonly FlagSpec[]): CommandSpec {
  return {
    path: ['helm', name],
    summary,
    positionals: { names: [] },
    flagGroups: [{ title: 'Flags', flags: [...flags, managerNamespace] }, kubeGroup, globalFlags],
    load: async () => {
      const { runHelmInstall, runHelmUpgrade, runHelmUninstall } = await import('./helm.ts');
      if (name === 'install') return runHelmInstall;
      return name === 'upgrade' ? runHelmUpgrade : runHelmUninstall;
    },
  };
}

const helmCommand: CommandSpec = {
  path: ['helm'],
  summary: 'Install, upgrade or uninstall the traffic-manager',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  commands: [
    helm('install', 'Install the traffic-manager', [
      {
        name: 'create-namespace',
        kind: 'switch',
        default: 'true',
        help: 'Create the namespace where it does not exist',
      },
      ...valueFlags,
    ]),
    helm('upgrade', 'Change the installed traffic-manager', [
      ...valueFlags,
      { name: 'reset-values', kind: 'switch', help: 'Start from the default values' },
      { name: 'reuse-values', kind: 'switch', help: 'Start from the values of the last revision' },
    ]),
    helm('uninstall', 'Uninstall the traffic-manager', []),
  ],
  load: async () => (await import('./group.ts')).runGroup,
};

/** Everything that telepresence can do, in the order of its help. */
export const rootCommand: CommandSpec = {
  path: [],
  summary:
    'Telepresence connects this machine to a Kubernetes cluster and answers for its services',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  commands: [connect, list, intercept, leave, status, quit, version, helmCommand],
  load: async () => (await import('./group.ts')).runGroup,
};
