import type { CommandSpec } from '../command-spec.ts';
import { globalFlags } from './shared-flags.ts';

/** Only those of our flags that no program's own could be taken for. */
const flagGroups = [
  {
    title: 'Flags',
    flags: globalFlags.flags.filter(({ name }) => name === 'use' || name === 'help'),
  },
];

/** `telepresence docker-run` */
export const dockerRun: CommandSpec = {
  path: ['docker-run'],
  summary: 'Run a container in the network of the connection (connect --docker)',
  details:
    'The same as docker run --rm with that network: names and addresses of the cluster are those\nof the container. Everything is handed on to Docker, and its exit code is returned.',
  examples: [
    'telepresence docker-run -it busybox sh',
    'telepresence docker-run --use alpha -v "$PWD:/work" node:26 node /work/app.js',
  ],
  positionals: { names: [], handsOn: true, rest: 'FLAGS OF docker run, IMAGE, ARGS' },
  flagGroups,
  load: async () => (await import('../docker-run.ts')).runDockerRun,
};

/** `telepresence curl` */
export const curl: CommandSpec = {
  path: ['curl'],
  summary: 'Run curl in the network of the connection (connect --docker)',
  details:
    'Everything is handed on to curl, and its exit code is returned. Files that it reads and writes are\nthose of this folder.',
  examples: [
    'telepresence curl hello',
    'telepresence curl -sS --data @body.json http://hello/items',
  ],
  positionals: { names: [], handsOn: true, rest: 'FLAGS OF curl, URL' },
  flagGroups,
  load: async () => (await import('../docker-run.ts')).runCurl,
};
