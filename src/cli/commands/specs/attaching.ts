import type { CommandSpec } from '../command-spec.ts';
import * as flags from './attaching-flags.ts';
import { globalFlags, workloadNamespace } from './shared-flags.ts';

/** `telepresence wiretap` */
export const wiretap: CommandSpec = {
  path: ['wiretap'],
  summary: 'Copy the traffic of a service to this machine, and leave it as it is',
  details:
    'The app goes on answering: it never waits for this machine, whose own answers are thrown\naway. Any number of people may wiretap one port, also while somebody intercepts it.',
  examples: [
    'telepresence wiretap hello --port 9000',
    'telepresence wiretap hello --port 9000:http -- npm start',
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
        { ...flags.port, value: 'LAPTOP PORT[:SERVICE PORT]' },
        flags.workload,
        flags.service,
        flags.container,
        flags.address,
        flags.mechanism,
        workloadNamespace('The namespace of the workload'),
        ...flags.environment,
        ...flags.handler,
        flags.readOnlyMount,
        ...flags.telling('wiretap'),
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../intercept.ts')).runWiretap,
};

/** `telepresence ingest` */
export const ingest: CommandSpec = {
  path: ['ingest'],
  summary: "Take a container's environment and volumes, and nothing of its traffic",
  details:
    'With a COMMAND the ingest ends when the command does; it runs with the environment of the\ncontainer. Any number of people may ingest one container.',
  examples: [
    'telepresence ingest hello --env-file hello.env',
    'telepresence ingest hello --container sidecar -- npm start',
  ],
  positionals: {
    names: ['WORKLOAD'],
    command: true,
    commandAfter: flags.handlerFlags,
    complete: 'workload',
  },
  flagGroups: [
    {
      title: 'Flags',
      flags: [
        { ...flags.container, short: 'c', help: 'Name of the container, where there are several' },
        flags.toPod,
        workloadNamespace('The namespace of the workload'),
        ...flags.environment,
        ...flags.handler,
        flags.readOnlyMount,
        ...flags.telling('ingest'),
      ],
    },
    globalFlags,
  ],
  load: async () => (await import('../intercept.ts')).runIngest,
};

function ending(name: 'leave' | 'detach'): CommandSpec {
  return {
    path: [name],
    summary:
      name === 'leave'
        ? 'End an intercept, a wiretap or an ingest'
        : 'The same as leave, by its newer name',
    positionals: { names: ['NAME'], complete: 'intercept' },
    flagGroups: [
      {
        title: 'Flags',
        flags: [
          {
            name: 'container',
            short: 'c',
            kind: 'text',
            help: 'Of several ingests of the workload NAME the one of this container',
          },
        ],
      },
      globalFlags,
    ],
    load: async () => (await import('../leave.ts')).runLeave,
  };
}

/** `telepresence leave` */
export const leave = ending('leave');

/** `telepresence detach` */
export const detach = ending('detach');
