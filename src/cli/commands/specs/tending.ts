import { logLevels } from '#base/log.ts';
import type { CommandSpec } from '../command-spec.ts';
import { globalFlags, kubeGroup, managerNamespace } from './shared-flags.ts';

const group = async (): ReturnType<CommandSpec['load']> => (await import('../group.ts')).runGroup;

/** `telepresence loglevel` */
export const loglevel: CommandSpec = {
  path: ['loglevel'],
  summary: 'Change how much the daemons, the traffic-manager and the traffic-agents log',
  details:
    'It acts at once. In the cluster it lasts no longer than this connection; there the most\n' +
    'talkative level that anybody connected asks for is taken.',
  positionals: { names: ['error|warning|info|debug|trace'], complete: logLevels },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'duration',
          short: 'd',
          kind: 'text',
          value: 'duration',
          default: '30m',
          help: 'How long, such as 90s or 1h30m; 0s until the program ends',
        },
        { name: 'local-only', short: 'l', kind: 'switch', help: "Only this machine's daemons" },
        {
          name: 'remote-only',
          short: 'r',
          kind: 'switch',
          help: 'Only traffic-manager and agents',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../loglevel.ts')).runLoglevel,
};

/** `telepresence gather-logs` */
export const gatherLogs: CommandSpec = {
  path: ['gather-logs'],
  summary: 'Put the logs of daemons, traffic-manager and traffic-agents into one zip file',
  details: 'What could not be had is a file in the zip that says why.',
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'output-file',
          short: 'o',
          kind: 'text',
          value: 'file',
          complete: 'file',
          help: 'The zip file (default telepresence_logs_TIME.zip in this folder)',
        },
        {
          name: 'daemons',
          kind: 'text',
          value: 'all|None|root,user',
          default: 'all',
          complete: ['all', 'root', 'user', 'None'],
          help: 'Whose logs of this machine',
        },
        {
          name: 'traffic-manager',
          kind: 'switch',
          default: 'true',
          help: "The traffic-manager's logs",
        },
        {
          name: 'traffic-agents',
          kind: 'text',
          value: 'all|None|part of a name',
          default: 'all',
          help: "The logs of agents in the connected namespace whose pod's name has this part",
        },
        {
          name: 'anonymize',
          short: 'a',
          kind: 'switch',
          help: 'Put other names in the place of pods and namespaces',
        },
        {
          name: 'get-pod-yaml',
          short: 'y',
          kind: 'switch',
          help: "The pods' YAML, too: it has the values of their environment",
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../gather-logs.ts')).runGatherLogs,
};

/** `telepresence config` */
export const config: CommandSpec = {
  path: ['config'],
  summary: 'The configuration of the client',
  positionals: { names: [] },
  flagGroups: [globalFlags],
  commands: [
    {
      path: ['config', 'view'],
      summary: 'Show the configuration as it is in force',
      details: 'YAML unless --output says otherwise.',
      positionals: { names: [] },
      flagGroups: [
        {
          title: 'Flags',
          flags: [
            {
              name: 'client-only',
              short: 'c',
              kind: 'switch',
              help: 'Without what the connected traffic-manager adds',
            },
            managerNamespace,
          ],
        },
        kubeGroup,
        globalFlags,
      ],
      load: async () => (await import('../config-view.ts')).runConfigView,
    },
  ],
  load: group,
};

const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** `telepresence completion` */
export const completion: CommandSpec = {
  path: ['completion'],
  summary: "Print a script for your shell's completion",
  examples: [
    'source <(telepresence completion bash)',
    'telepresence completion fish > ~/.config/fish/completions/telepresence.fish',
  ],
  positionals: { names: [shells.join('|')], complete: shells },
  flagGroups: [globalFlags],
  load: async () => (await import('../completion.ts')).runCompletion,
};

/** What completion scripts ask: the words after it are the line so far. */
export const complete: CommandSpec = {
  path: ['__complete'],
  summary: 'Offer words for the last one',
  hidden: true,
  positionals: { names: [], command: true },
  flagGroups: [],
  load: async () => (await import('../completion.ts')).runComplete,
};

/** Started by a handler's command, for the case that this is killed. */
export const handlerWatch: CommandSpec = {
  path: ['handler-watch'],
  summary: 'Take back what a handler has left',
  hidden: true,
  positionals: { names: [] },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        { name: 'id', kind: 'text', help: 'Which handler' },
        { name: 'directory', kind: 'text', help: 'Its files' },
        { name: 'cwd', kind: 'text', help: 'Where it was started' },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../../handler/watch.ts')).runHandlerWatch,
};
