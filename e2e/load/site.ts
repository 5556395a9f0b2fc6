import * as v from 'valibot';
import { eventually } from '../eventually.ts';
import { createNamespace } from '../namespace.ts';
import { clusterIp, idlePod, inPodNetwork, readyPod } from '../pod-network.ts';
import { prepare, rollOut } from '../prepare.ts';
import { apply, kubectl, onCluster, onLaptop, telepresence } from '../run.ts';
import { emptyDatabase, laptopDatabase, loadApp, programMap } from './app.ts';
import { startLoadClient, startLoadHandler, type LoadClient, type LoadHandler } from './client.ts';
import { givenUpBy, type GivenUp } from './given-up.ts';
import type { Switch } from './judge.ts';
import type { LoadPort } from './record.ts';

/** Where load is put on: two workloads of three pods, one by each way of taking, and a laptop. */
export interface LoadSite extends AsyncDisposable {
  readonly namespace: string;
  /** Starts to put load on these, or all. */
  startLoad(on?: readonly Workload[]): Promise<LoadClient>;
  /** What was switched so far, for the judge. */
  readonly switches: readonly Switch[];
  /** Intercepts both ports of a workload. */
  intercept(workload: Workload): Promise<void>;
  leave(workload: Workload): Promise<void>;
  /** Whose laptop did not answer in time, as the agents of the pods that are there say. */
  givenUp(): Promise<readonly GivenUp[]>;
  /** How often each request was handled, by all servers that are there, web and PostgreSQL. */
  handled(): Promise<ReadonlyMap<string, number>>;
}

/** Their names say how they are taken. */
export const workloads = ['redirect', 'rename'] as const;
export type Workload = (typeof workloads)[number];

const namespace = 'e2e-load';
const counts = v.array(v.tuple([v.string(), v.number()]));

/** Brings it up. */
export async function startLoadSite(options: {
  readonly workloads: readonly Workload[];
}): Promise<LoadSite> {
  await prepare();
  await using stack = new AsyncDisposableStack();
  stack.use(await createNamespace(namespace));
  // Not applied: that would put all of it into an annotation too.
  await onCluster(['kubectl', 'create', '-f', '-'], { input: await programMap(namespace) });
  await onCluster(['install', '-d', '-o', '999', '-g', '999', emptyDatabase]);
  await apply(laptopDatabase(namespace));
  await apply(idlePod(namespace, 'client'));
  for (const name of options.workloads) {
    await apply(loadApp({ namespace, name, replicas: 3, take: name }));
  }
  await rollOut(namespace);
  const clientIp = await readyPod(namespace, 'client');
  stack.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  // The pods that have just started leave little of a small machine: its first tries may be too short.
  await eventually('connected', 90_000, async () => {
    await telepresence(['connect', '--namespace', namespace]);
  });
  // A port of the laptop serves one intercept.
  const handlers = new Map<Workload, LoadHandler>();
  for (const name of options.workloads) {
    handlers.set(name, stack.use(await startLoadHandler(`laptop-pg.${namespace}:5432`)));
  }
  const targets = new Map<Workload, string>();
  for (const name of options.workloads) {
    targets.set(name, `${name}=${await clusterIp(namespace, name)}:80:5432`);
  }
  const switches: Switch[] = [];
  const change = async (
    target: Workload,
    to: Switch['to'],
    words: (port: LoadPort) => readonly string[],
  ): Promise<void> => {
    for (const port of ['web', 'pg'] as const) {
      const startedAt = Date.now();
      await telepresence(words(port), { deadlineMs: 90_000 });
      switches.push({ target, port, to, startedAt, endedAt: Date.now() });
    }
  };
  const running = stack.move();
  return {
    namespace,
    startLoad: async (on = options.workloads) =>
      running.use(
        await startLoadClient(
          clientIp,
          on.map((name) => targets.get(name) ?? ''),
        ),
      ),
    switches,
    intercept: async (workload) => {
      const handler = handlers.get(workload);
      if (handler === undefined) throw new Error(`no handler for ${workload}`);
      await change(workload, 'laptop', (port) => {
        const to = `${String(port === 'web' ? handler.httpPort : handler.pgPort)}:${port}`;
        return ['intercept', `${workload}-${port}`, '--workload', workload, '--port', to];
      });
    },
    leave: async (workload) =>
      await change(workload, 'app', (port) => ['leave', `${workload}-${port}`]),
    async givenUp() {
      const pods = podsOf(await kubectl('get', 'pods', '-n', namespace, '-o', 'json'));
      const loaded = pods.filter(({ app }) => workloads.some((name) => name === app));
      return await givenUpBy(
        namespace,
        loaded.map(({ name }) => name),
      );
    },
    async handled() {
      const found = new Map<string, number>();
      const add = (id: string, times: number): void => {
        found.set(id, (found.get(id) ?? 0) + times);
      };
      for (const { httpPort } of handlers.values()) {
        const url = `http://127.0.0.1:${String(httpPort)}/handled`;
        addCounts((await onLaptop(['curl', '-sSf', url])).stdout, add);
      }
      const pods = await kubectl('get', 'pods', '-n', namespace, '-o', 'json');
      for (const { name, ip, app } of podsOf(pods)) {
        if (app === 'client') continue;
        if (app !== 'laptop-pg') {
          const url = `http://${ip}:8080/handled`;
          addCounts((await inPodNetwork(clientIp, ['curl', '-sSf', url])).stdout, add);
        }
        const ids = ['psql', '-h', '127.0.0.1', '-U', 'postgres', '-Atc', 'select id from handled'];
        const words = ['exec', '-n', namespace, name, '-c', 'postgres', '--', ...ids];
        for (const id of (await kubectl(...words)).split('\n')) if (id !== '') add(id, 1);
      }
      return found;
    },
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

function addCounts(json: string, add: (id: string, times: number) => void): void {
  for (const [id, times] of v.parse(v.pipe(v.string(), v.parseJson(), counts), json)) {
    add(id, times);
  }
}

const podList = v.object({
  items: v.array(
    v.object({
      metadata: v.object({
        name: v.string(),
        labels: v.optional(v.record(v.string(), v.string()), {}),
      }),
      status: v.object({ podIP: v.optional(v.string(), '') }),
    }),
  ),
});

function podsOf(
  json: string,
): { readonly name: string; readonly ip: string; readonly app: string }[] {
  const { items } = v.parse(v.pipe(v.string(), v.parseJson(), podList), json);
  return items.map(({ metadata, status }) => ({
    name: metadata.name,
    ip: status.podIP,
    app: metadata.labels['app'] ?? 'client',
  }));
}
