import { startHandler, type Handler } from '../handler.ts';
import { createNamespace } from '../namespace.ts';
import { startOpenFlow, type OpenFlow } from '../open-flow.ts';
import { idlePod, readyPod } from '../pod-network.ts';
import { prepare, rollOut } from '../prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from '../run.ts';
import { webApp } from '../web-app.ts';
import { anyInspectorPort } from './parts.ts';
import { startMixed, type Mixed } from './mixed.ts';
import { patiently } from './patience.ts';

/** A connected laptop with an intercept, and traffic of all kinds. */
export interface SoakSite extends AsyncDisposable {
  readonly held: OpenFlow;
  /** Starts traffic from the laptop and from a pod, so many requests a second in all. */
  start(perSecond: number): Promise<Traffic>;
  intercept(): Promise<void>;
  leave(): Promise<void>;
  /** How many elements the sets of our rules on the laptop have. */
  elements(): Promise<number>;
}

/** Ends when disposed. */
interface Traffic extends AsyncDisposable {
  readonly laptop: Mixed;
  readonly pod: Mixed;
}

const namespace = 'soak-e2e';
const clusterDns = '10.96.0.10';

/**
 * Brings it up, intercepted, for a `long` soak or a short one: a long one has datagrams too, whose
 * flows end late, and programs that can all be asked for what their garbage leaves.
 */
export async function startSoakSite(options: { readonly long: boolean }): Promise<SoakSite> {
  await prepare();
  await using stack = new AsyncDisposableStack();
  if (options.long) stack.use(await askable());
  stack.use(await createNamespace(namespace));
  await apply(webApp({ namespace, name: 'web', replicas: 1, agent: true, probed: false }));
  await apply(webApp({ namespace, name: 'plain', replicas: 2, probed: false }));
  await apply(idlePod(namespace, 'client'));
  await rollOut(namespace);
  const clientIp = await readyPod(namespace, 'client');
  stack.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  const env = options.long ? { env: { NODE_OPTIONS: anyInspectorPort } } : {};
  await patiently(['connect', '--namespace', namespace], env);
  const handler: Handler = stack.use(await startHandler(`laptop ${'x'.repeat(20_000)}`));
  const get = async (what: string, path: string): Promise<string> =>
    await kubectl('get', '-n', namespace, ...what.split(' '), '-o', `jsonpath=${path}`);
  const web = `http://${await get('service web', '{.spec.clusterIP}')}/`;
  const plainPod = await get('pods -l app=plain', '{.items[0].status.podIP}');
  const plainService = await get('service plain', '{.spec.clusterIP}');
  const intercept = async (): Promise<void> => {
    const words = ['intercept', 'web', '--port', String(handler.port)];
    await patiently(words, { deadlineMs: 90_000 });
  };
  await intercept();
  const held = stack.use(await startOpenFlow('held', 'laptop', 'http://hello.demo/'));
  const running = stack.move();
  return {
    held,
    intercept,
    leave: async () => await patiently(['leave', 'web']),
    async start(perSecond) {
      const laptop = await startMixed('laptop', perSecond / 2, [
        'new=http://plain/',
        'kept=http://plain/',
        `new-pod=http://${plainPod}:8080/`,
        'new-far=http://hello.demo/',
        'aborted=http://web/',
        `refused=http://${plainService}:81/`,
        `refused-pod=http://${plainPod}:81/`,
        `found=http://plain.${namespace}/`,
        'found-outside=http://outside.example.com/',
        `absent=http://none.${namespace}.svc.cluster.local/`,
        ...(options.long
          ? [`udp=http://${clusterDns}:53/plain.${namespace}.svc.cluster.local`]
          : []),
      ]);
      const turns = [`new=${web}`, `kept=${web}`, `new-again=${web}`, `aborted=${web}`];
      const pod = await startMixed({ podIp: clientIp }, perSecond / 2, turns);
      return {
        laptop,
        pod,
        async [Symbol.asyncDispose]() {
          await Promise.all([laptop[Symbol.asyncDispose](), pod[Symbol.asyncDispose]()]);
        },
      };
    },
    async elements() {
      const list = ['nft', 'list', 'table', 'inet', 'telepresence'];
      const { stdout } = await onLaptop(list);
      const sets = [...stdout.matchAll(/elements = \{([^}]*)\}/g)];
      return sets.reduce((sum, [, text = '']) => sum + text.split(',').length, 0);
    },
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  };
}

/** Managers whose two programs can be asked, until disposed. */
async function askable(): Promise<AsyncDisposable> {
  const set = async (option: string): Promise<void> => {
    const what = ['-n', 'ambassador', 'deployment/traffic-manager'];
    await kubectl('set', 'env', ...what, `NODE_OPTIONS${option}`);
    await kubectl('rollout', 'status', '--timeout=50s', ...what);
  };
  await set(`=${anyInspectorPort}`);
  return { [Symbol.asyncDispose]: async () => await set('-') };
}
