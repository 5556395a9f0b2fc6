import { agentRequestAnnotation } from '#protocol/resources.ts';
import { clusterEnvironment } from '../playground/environment.ts';
import type { Layout } from '../playground/layout.ts';
import { enter, runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { BenchError } from './error.ts';
import { labImage } from './lab-image.ts';
import { fairShare, labNamespace } from './lab-manifests.ts';
import { startOn } from './machine-process.ts';
import { productEnvironment } from './product.ts';
import type { Product } from './product.ts';
import type { RoundTrip } from './stages.ts';

/**
 * Who is asked, from a pod: an app alone; one beside an agent that takes nothing, by each way of
 * taking; and the laptop in the app's place.
 */
export const requestStages = [
  'direct',
  'redirect, idle',
  'renamed, idle',
  'redirect, intercepted',
  'renamed, intercepted',
] as const;
export type RequestStage = (typeof requestStages)[number];

interface Deps {
  readonly layout: Layout;
  readonly laptop: Machine;
  readonly cluster: Machine;
  readonly product: Product;
}

/** The workloads, and a laptop that can take their place. */
export interface RequestLab extends AsyncDisposable {
  /** Words before a program that is to run in the asking pod. */
  readonly tool: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a stage is asked; intercepts and leaves as it needs. */
  open(stage: RequestStage): Promise<{ readonly host: string; readonly port: number }>;
}

const workloads = ['asked-direct', 'asked-redirect', 'asked-renamed'] as const;
type Workload = (typeof workloads)[number];
const port = 8080;
const deadlineMs = 120_000;

const workloadOf: Readonly<Record<RequestStage, Workload>> = {
  direct: 'asked-direct',
  'redirect, idle': 'asked-redirect',
  'renamed, idle': 'asked-renamed',
  'redirect, intercepted': 'asked-redirect',
  'renamed, intercepted': 'asked-renamed',
};

/** Brings all of it up. */
export async function openRequestLab(
  deps: Deps,
  options: { readonly rtt: RoundTrip; readonly signal: AbortSignal },
): Promise<RequestLab> {
  const { layout, laptop, cluster, product } = deps;
  const { rtt, signal } = options;
  const env = clusterEnvironment(layout, process.env);
  const kubectl = async (words: readonly string[], input?: string): Promise<string> => {
    const result = await runIn(cluster, ['kubectl', '--namespace', labNamespace, ...words], {
      env,
      signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
      ...(input === undefined ? {} : { input }),
    });
    return result.stdout;
  };
  const telepresence = async (...words: readonly string[]): Promise<void> => {
    await product.telepresence(words, { rtt, signal });
  };
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => {
    const all = workloads.flatMap((name) => [`deployment/${name}`, `service/${name}`]);
    await kubectl(['delete', '--ignore-not-found', '--wait=false', ...all]);
  });
  const items = workloads.flatMap(manifestsOf);
  await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  for (const name of workloads) {
    await kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=100s']);
  }
  await telepresence('quit', '-s');
  await telepresence('connect', '--namespace', labNamespace);
  stack.defer(async () => {
    const late = AbortSignal.timeout(20_000);
    await product.telepresence(['quit', '-s'], { rtt, signal: late });
  });
  const handler = stack.use(
    await startOn(laptop, [process.execPath, '-e', answerProgram('laptop', '127.0.0.1', 0)], {
      env: productEnvironment(layout, rtt),
      isReady: (printed) => printed.includes('\n'),
      signal,
    }),
  );
  const intercepted = new Set<Workload>();
  const running = stack.move();
  return {
    tool: [...enter(cluster, '/'), 'kubectl', 'exec', '-n', labNamespace, 'client', '--'],
    env,
    async open(stage) {
      const name = workloadOf[stage];
      const wanted = stage.endsWith('intercepted');
      for (const other of intercepted) {
        if (wanted && other === name) continue;
        await telepresence('leave', other);
        intercepted.delete(other);
      }
      if (wanted && !intercepted.has(name)) {
        await telepresence(
          'intercept',
          name,
          '--port',
          `${handler.printed.trim()}:${String(port)}`,
        );
        intercepted.add(name);
      }
      // A renamed port is the agent's for those alone who come by the Service.
      const path = 'jsonpath={.spec.clusterIP}';
      const host = await kubectl(['get', `service/${name}`, '-o', path]);
      const ask = ['exec', 'client', '--', 'node', '-e', askProgram(host)];
      const who = await kubectl(ask);
      if (who !== (wanted ? 'laptop' : 'app')) {
        throw new BenchError('NotReady', `${stage}: ${who} answers`);
      }
      return { host, port };
    },
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

/** The same server on both sides, so that the way alone is compared. */
function answerProgram(name: 'app' | 'laptop', host: string, listenPort: number): string {
  return `require('node:http').createServer({ keepAliveTimeout: 60000 },
    (_request, response) => response.end('${name}'))
    .listen(${String(listenPort)}, '${host}', 4096, function () { console.log(this.address().port); });`;
}

function askProgram(host: string): string {
  const url = `http://${host}:${String(port)}/`;
  return `fetch('${url}').then((r) => r.text()).then((t) => process.stdout.write(t))`;
}

function manifestsOf(name: Workload): readonly object[] {
  const labels = { app: name };
  const byName = name === 'asked-renamed';
  const agent = {
    [agentRequestAnnotation]: JSON.stringify({
      take: byName ? 'rename' : 'redirect',
      ports: byName ? ['http'] : [],
    }),
  };
  const container = {
    name: 'app',
    image: labImage,
    resources: fairShare,
    args: ['-e', answerProgram('app', '0.0.0.0', port)],
    ports: [{ name: 'http', containerPort: port }],
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: labNamespace },
      spec: { selector: labels, ports: [{ port, targetPort: byName ? 'http' : port }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: labNamespace },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations: name === 'asked-direct' ? {} : agent },
          spec: { terminationGracePeriodSeconds: 0, containers: [container] },
        },
      },
    },
  ];
}
