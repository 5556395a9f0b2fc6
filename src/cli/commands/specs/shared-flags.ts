import type { FlagSpec } from '../../parse/flag-spec.ts';
import type { FlagGroup } from '../command-spec.ts';
import { kubeFlags } from '../kube-flag-specs.ts';

const help: FlagSpec = { name: 'help', short: 'h', kind: 'switch', help: 'Show this help' };

/** Flags that every command has. */
export const globalFlags: FlagGroup = {
  title: 'Global Flags',
  flags: [
    help,
    {
      name: 'output',
      kind: 'text',
      value: 'default|json|yaml|json-stream',
      default: 'default',
      complete: ['default', 'json', 'yaml', 'json-stream'],
      help: 'How the result is printed',
    },
    {
      name: 'format',
      kind: 'text',
      value: 'json|yaml|json-stream',
      complete: ['json', 'yaml', 'json-stream'],
      help: 'The same, the result alone without its envelope',
    },
    {
      name: 'use',
      kind: 'text',
      value: 'regexp',
      hidden: true,
      help: 'Which connection is meant: it must match the name of the one there is',
    },
    {
      name: 'docker',
      kind: 'switch',
      help: 'Run the daemon in a container, where this connects to a cluster',
    },
    {
      name: 'no-report',
      kind: 'switch',
      hidden: true,
      help: 'Nothing is ever reported to anybody',
    },
  ],
};

/** kubectl's own flags, under their heading. */
export const kubeGroup: FlagGroup = { title: 'Kubernetes flags', flags: kubeFlags };

/** Which traffic-manager is meant. */
export const managerNamespace: FlagSpec = {
  name: 'manager-namespace',
  kind: 'text',
  complete: 'namespace',
  help: 'The namespace where the traffic-manager is (default ambassador)',
};

/** The namespace of a workload, where it is not the connected one. */
export const workloadNamespace = (help: string): FlagSpec => ({
  name: 'namespace',
  short: 'n',
  kind: 'text',
  complete: 'namespace',
  help,
});
