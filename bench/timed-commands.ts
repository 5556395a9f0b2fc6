import { run } from '../images/command.ts';
import { clusterEnvironment } from '../playground/environment.ts';
import type { Layout } from '../playground/layout.ts';
import { enter, runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { labImage } from './lab-image.ts';
import { labNamespace, labWorkload } from './lab-manifests.ts';
import { productEnvironment } from './product.ts';
import type { Product } from './product.ts';
import type { RoundTrip } from './stages.ts';

/** What is timed, in the order of one round. */
export const timedNames = [
  'node -e 0',
  'version',
  'connect, daemons to be started',
  'quit',
  'connect',
  'pod start',
  'intercept, agent to be injected',
  'leave',
  'intercept',
  'quit -s',
] as const;
export type TimedName = (typeof timedNames)[number];

interface RoundDeps {
  readonly layout: Layout;
  readonly laptop: Machine;
  readonly cluster: Machine;
  readonly product: Product;
}

/** The Deployment that is intercepted; its agent would carry other measurements' flows, too. */
const workload = 'worked-on';

const manifest = labWorkload({
  name: workload,
  container: {
    image: labImage,
    args: ['/programs/target.mjs'],
    readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
    volumeMounts: [{ name: 'programs', mountPath: '/programs' }],
  },
  volumes: [{ name: 'programs', configMap: { name: 'programs' } }],
});

/** Goes through all commands once; `report` gets the milliseconds of each. */
export async function timeCommands(
  deps: RoundDeps,
  options: { readonly rtt: RoundTrip; readonly signal: AbortSignal },
  report: (name: TimedName, ms: number) => void,
): Promise<void> {
  const { layout, laptop, cluster, product } = deps;
  const { signal } = options;
  const env = productEnvironment(layout, options.rtt);
  const timed = async (name: TimedName, work: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await work();
    report(name, performance.now() - start);
  };
  const telepresence = (...words: readonly string[]): Promise<unknown> =>
    product.telepresence(words, options);
  const kubectl = async (words: readonly string[], input?: string): Promise<void> => {
    await runIn(cluster, ['kubectl', '--namespace', labNamespace, ...words], {
      env: clusterEnvironment(layout, process.env),
      signal,
      ...(input === undefined ? {} : { input }),
    });
  };
  const rolledOut = ['rollout', 'status', `deployment/${workload}`, '--timeout=60s'];

  await using _gone = {
    [Symbol.asyncDispose]: () =>
      kubectl(['delete', `deployment/${workload}`, '--ignore-not-found']),
  };
  // A workload without an agent, as if no one had worked on it before.
  await kubectl(['delete', `deployment/${workload}`, '--ignore-not-found']);
  await kubectl(['apply', '--filename', '-'], JSON.stringify(manifest));
  await kubectl(rolledOut);
  await telepresence('quit', '-s');

  const node = [...enter(laptop, '/'), process.execPath, '-e', '0'];
  await timed('node -e 0', () => run(node, { env, signal }));
  await timed('version', () => telepresence('version'));
  const connect = ['connect', '--namespace', labNamespace];
  await timed('connect, daemons to be started', () => telepresence(...connect));
  await timed('quit', () => telepresence('quit'));
  await timed('connect', () => telepresence(...connect));
  await timed('pod start', async () => {
    await kubectl(['rollout', 'restart', `deployment/${workload}`]);
    await kubectl(rolledOut);
  });
  const intercept = ['intercept', workload, '--port', '9000:8080'];
  await timed('intercept, agent to be injected', () => telepresence(...intercept));
  await timed('leave', () => telepresence('leave', workload));
  await timed('intercept', () => telepresence(...intercept));
  await timed('leave', () => telepresence('leave', workload));
  await timed('quit -s', () => telepresence('quit', '-s'));
}
