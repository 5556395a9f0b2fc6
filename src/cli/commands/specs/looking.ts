import type { CommandSpec } from '../command-spec.ts';
import { globalFlags, kubeGroup, workloadNamespace } from './shared-flags.ts';

/** `telepresence list` */
export const list: CommandSpec = {
  path: ['list'],
  summary: 'List the workloads and their intercepts',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        workloadNamespace('The namespace, where not the connected one'),
        { name: 'intercepts', short: 'i', kind: 'switch', help: 'Only what is intercepted' },
        { name: 'agents', short: 'a', kind: 'switch', help: 'Only workloads with a traffic-agent' },
        {
          name: 'only-interceptable',
          short: 'o',
          kind: 'switch',
          default: 'true',
          help: 'Leave out what cannot be intercepted',
        },
        {
          name: 'watch',
          short: 'w',
          kind: 'switch',
          help: 'List again after each change, until Ctrl-C; with --output json-stream for programs',
        },
        {
          name: 'debug',
          kind: 'switch',
          hidden: true,
          help: 'Print the address of each intercept',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../list.ts')).runList,
};

/** `telepresence status` */
export const status: CommandSpec = {
  path: ['status'],
  summary: 'Show the state of the daemons, the connection and the intercepts',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'multi-daemon',
          kind: 'switch',
          help: 'Print a list of connections even where there is one',
        },
        { name: 'json', short: 'j', kind: 'switch', hidden: true, help: 'Now: --output json' },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../status.ts')).runStatus,
};

/** `telepresence version` */
export const version: CommandSpec = {
  path: ['version'],
  summary: 'Show the versions of the client, the daemons and the traffic-manager',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  load: async () => (await import('../version.ts')).runVersion,
};

/** `telepresence list-contexts` */
export const listContexts: CommandSpec = {
  path: ['list-contexts'],
  summary: 'List the contexts of the kubeconfig',
  positionals: { names: [] },
  flagGroups: [kubeGroup, globalFlags],
  load: async () => (await import('../list-contexts.ts')).runListContexts,
};

/** `telepresence list-namespaces` */
export const listNamespaces: CommandSpec = {
  path: ['list-namespaces'],
  summary: "List the cluster's namespaces",
  positionals: { names: [] },
  flagGroups: [kubeGroup, globalFlags],
  load: async () => (await import('../list-namespaces.ts')).runListNamespaces,
};
