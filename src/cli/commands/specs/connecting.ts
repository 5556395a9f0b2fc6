import type { CommandSpec, FlagGroup } from '../command-spec.ts';
import { globalFlags, kubeGroup, managerNamespace } from './shared-flags.ts';

/** Flags that say how the laptop is joined to the cluster. */
export const netGroup: FlagGroup = {
  title: 'Flags',
  flags: [
    managerNamespace,
    { name: 'name', kind: 'text', help: 'Name of the connection' },
    {
      name: 'mapped-namespaces',
      kind: 'csv',
      value: 'strings',
      complete: 'namespace',
      help: 'Namespaces whose names are resolved; "all", or all when left out',
    },
    {
      name: 'also-proxy',
      kind: 'csv',
      value: 'CIDRs',
      help: 'Further subnets that are reached through the cluster',
    },
    { name: 'never-proxy', kind: 'csv', value: 'CIDRs', help: 'Subnets that are left alone' },
    {
      name: 'allow-conflicting-subnets',
      kind: 'csv',
      value: 'CIDRs',
      help: 'Subnets of this machine that the cluster may take while connected',
    },
    {
      name: 'vnat',
      kind: 'csv',
      value: 'CIDRs',
      help: 'Subnets of the cluster that are known by virtual addresses here; also, service, pods or all',
    },
    {
      name: 'proxy-via',
      kind: 'csv',
      value: 'CIDR=WORKLOAD',
      help: 'Subnets that are known by virtual addresses here and reached from a pod of a workload; also, service, pods or all in place of CIDR',
    },
  ],
};

/** Flags of the container that the daemon is in. */
const containerGroup: FlagGroup = {
  title: 'Flags for --docker',
  flags: [
    {
      name: 'expose',
      kind: 'list',
      value: '[[IP:]PORT:]PORT',
      help: "Port of the daemon's network that this machine has too, as docker run -p takes it; repeatable",
    },
    { name: 'hostname', kind: 'text', help: "Host name in the daemon's network" },
  ],
};

/** `telepresence connect` */
export const connect: CommandSpec = {
  path: ['connect'],
  summary: 'Connect to a cluster',
  details:
    "The cluster's services and pods are reachable from this machine until `telepresence quit`.\n" +
    'With a COMMAND the connection ends when the command does.',
  examples: ['telepresence connect --namespace myns', 'telepresence connect -- curl http://echo'],
  positionals: { names: [], command: true },
  flagGroups: [netGroup, containerGroup, kubeGroup, globalFlags],
  load: async () => (await import('../connect.ts')).runConnect,
};

/** `telepresence quit` */
export const quit: CommandSpec = {
  path: ['quit'],
  summary: 'Disconnect from the cluster',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [{ name: 'stop-daemons', short: 's', kind: 'switch', help: 'End the daemons too' }],
    },
    globalFlags,
  ],
  load: async () => (await import('../quit.ts')).runQuit,
};
