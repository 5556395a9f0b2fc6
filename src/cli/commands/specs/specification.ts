import type { CommandSpec } from '../command-spec.ts';
import { globalFlags } from './shared-flags.ts';

const ofWorkload = (name: string): string =>
  `A workload that is itself called ${name}: telepresence intercept NAME --workload ${name}`;

/** `telepresence intercept run` */
export const interceptRun: CommandSpec = {
  path: ['intercept', 'run'],
  summary: 'Run an Intercept Specification: its intercepts, and what answers them',
  details: `Connects where that is needed, runs the prerequisites, makes the intercepts and runs their\nhandlers, until Ctrl-C, telepresence quit, or the end of a handler; then all of it is taken back.\nAs FILE, - is standard input. A NAME that no file has is that of a specification in the cluster\n(kubectl get ispecs), in the namespace of the connection: it is shown, and runs when you agree.\n\n${ofWorkload('run')}`,
  examples: [
    'telepresence intercept run telepresence.spec.yaml',
    'telepresence intercept run --docker telepresence.spec.yaml',
    'telepresence intercept run echo-spec',
  ],
  positionals: { names: ['FILE|NAME'], complete: 'file' },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        {
          name: 'yes',
          short: 'y',
          kind: 'switch',
          help: 'Agree to all that a specification from the cluster runs on this machine',
        },
        {
          name: 'dry-run',
          kind: 'switch',
          help: 'Show what Compose would be given for each Compose handler, and run nothing',
        },
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../run-specification.ts')).runRunSpecification,
};

/** `telepresence intercept validate` */
export const interceptValidate: CommandSpec = {
  path: ['intercept', 'validate'],
  summary: 'Check an Intercept Specification, and run nothing of it',
  details: `Says all that is wrong with the file, each with its line and with what is allowed there;\nthe exit code is 1 then. As FILE, - is standard input.\n\n${ofWorkload('validate')}`,
  examples: [
    'telepresence intercept validate telepresence.spec.yaml',
    'helm template . --show-only templates/ispec.yaml | telepresence intercept validate -',
  ],
  positionals: { names: ['FILE'], complete: 'file' },
  flagGroups: [globalFlags],
  load: async () => (await import('../validate-specification.ts')).runValidate,
};
