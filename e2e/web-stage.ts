import { startHandler, type Handler } from './handler.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, telepresence } from './run.ts';
import { webApp } from './web-app.ts';

/** A request that a pod of the app has answered. */
export const byApp = /^200 web-/;
/** A request that the handler has answered. */
export const byLaptop = /^200 laptop$/;

/**
 * What tests of failures start from: the workload `web` in a namespace of its own, a pod there that
 * may ask it, and a handler on the laptop. Disposing ends the laptop's daemons and all of it.
 */
export interface WebStage extends AsyncDisposable {
  readonly handler: Handler;
  /** The address of the pod that asks. */
  readonly clientIp: string;
  /** The app's Service. */
  readonly url: string;
  /** Connects, and sends the app's traffic to the handler. */
  intercept(): Promise<void>;
}

/** Sets it up. */
export async function setUpWeb(options: {
  readonly namespace: string;
  readonly replicas: number;
  /** The pods have an agent from the start. */
  readonly agent?: boolean;
}): Promise<WebStage> {
  const { namespace } = options;
  await prepare();
  await using setting = new AsyncDisposableStack();
  setting.use(await createNamespace(namespace));
  await apply(webApp({ ...options, name: 'web' }));
  await apply(idlePod(namespace, 'client'));
  await rollOut(namespace);
  const clientIp = await readyPod(namespace, 'client');
  const url = `http://${await clusterIp(namespace, 'web')}/`;
  const handler = setting.use(await startHandler('laptop'));
  setting.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  const set = setting.move();
  return {
    handler,
    clientIp,
    url,
    async intercept() {
      await telepresence(['connect', '--namespace', namespace]);
      const port = ['--port', String(handler.port)];
      await telepresence(['intercept', 'web', ...port], { deadlineMs: 90_000 });
    },
    [Symbol.asyncDispose]: async () => await set.disposeAsync(),
  };
}
