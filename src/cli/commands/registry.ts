import type { FlagSpec } from '../parse/flag-spec.ts';
import type { CommandSpec } from './command-spec.ts';
import { detach, ingest, leave, wiretap } from './specs/attaching.ts';
import { connect, quit } from './specs/connecting.ts';
import { curl, dockerRun } from './specs/in-network.ts';
import { intercept, replace, uninstall } from './specs/intercepting.ts';
import { list, listContexts, listNamespaces, status, version } from './specs/looking.ts';
import { globalFlags, kubeGroup, managerNamespace } from './specs/shared-flags.ts';
import {
  complete,
  completion,
  config,
  gatherLogs,
  handlerWatch,
  loglevel,
} from './specs/tending.ts';

const valueFlags: readonly FlagSpec[] = [
  { name: 'set', kind: 'list', value: 'KEY=VALUE', help: 'Set a value; may be repeated' },
  {
    name: 'values',
    short: 'f',
    kind: 'csv',
    value: 'file',
    help: 'A YAML file of values, - for stdin; may be repeated',
  },
  {
    name: 'set-string',
    kind: 'list',
    value: 'KEY=VALUE',
    help: 'Set a value that is text whatever it looks like',
  },
  {
    name: 'set-json',
    kind: 'list',
    value: 'KEY=JSON',
    help: 'Set a value to a piece of JSON',
  },
  {
    name: 'set-file',
    kind: 'list',
    value: 'KEY=FILE',
    help: 'Set a value to what a file holds',
  },
];
const noHooks: FlagSpec = {
  name: 'no-hooks',
  kind: 'switch',
  help: 'No effect: there are no hooks',
};

type HelmName = 'install' | 'upgrade' | 'uninstall' | 'lint' | 'version';

function helm(name: HelmName, summary: string, flags: readonly FlagSpec[]): CommandSpec {
  return {
    path: ['helm', name],
    summary,
    positionals: { names: [] },
    flagGroups: [{ title: 'Flags', flags: [...flags, managerNamespace] }, kubeGroup, globalFlags],
    load: async () => {
      const helm = await import('./helm.ts');
      return {
        install: helm.runHelmInstall,
        upgrade: helm.runHelmUpgrade,
        uninstall: helm.runHelmUninstall,
        lint: helm.runHelmLint,
        version: helm.runHelmVersion,
      }[name];
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
      {
        name: 'crds',
        kind: 'switch',
        help: 'Install only what all managers of a cluster share: custom resources and policies; and the kind of Intercept Specifications (kubectl get ispecs)',
      },
      noHooks,
      ...valueFlags,
    ]),
    helm('upgrade', 'Change the installed traffic-manager', [
      noHooks,
      ...valueFlags,
      { name: 'reset-values', kind: 'switch', help: 'Start from the default values' },
      { name: 'reuse-values', kind: 'switch', help: 'Start from the values of the last revision' },
    ]),
    helm('uninstall', 'Uninstall the traffic-manager', [noHooks]),
    helm('lint', 'Check values, without a cluster', valueFlags),
    helm('version', 'Show which chart this program installs, and which is installed', []),
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
  commands: [
    connect,
    list,
    intercept,
    replace,
    wiretap,
    ingest,
    leave,
    detach,
    dockerRun,
    curl,
    status,
    quit,
    version,
    helmCommand,
    uninstall,
    loglevel,
    gatherLogs,
    listContexts,
    listNamespaces,
    config,
    completion,
    complete,
    handlerWatch,
  ],
  load: async () => (await import('./group.ts')).runGroup,
};
