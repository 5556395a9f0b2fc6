import type { Socket } from 'node:net';
import { Code, ConnectError, createClient, type Client } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { KubeError } from '#kube/errors.ts';
import type { Lender } from '#kube/lent-access.ts';
import { FailureSchema, LaptopHelper } from '#protocol/gen/telepresence_pb.ts';
import type { HelperErrand } from '#protocol/helper-port.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomUuid: () => string;
  /** Called once nobody has been there for `aloneMs`: without a helper there is no cluster. */
  readonly onAlone: () => void;
}

/** The program on the laptop that has the kubeconfig and reaches the API server, as long as it is there. */
export interface HelperLink extends Lender, AsyncDisposable {
  /** Takes a connection that the helper has made. */
  take(errand: HelperErrand, socket: Socket): void;
}

const aloneMs = 30_000;
/** A helper that is there comes back within this; one that never was, too. */
const readyMs = 10_000;

/** Nobody at first. */
export function createHelperLink(deps: Deps): HelperLink {
  let session: ClientSession | undefined;
  let came = Promise.withResolvers<undefined>();
  let alone: Disposable | undefined;
  const arrivals = new Map<string, (socket: Socket) => void>();

  const left = (gone: ClientSession | undefined): void => {
    if (session !== gone) return;
    session = undefined;
    came = Promise.withResolvers<undefined>();
    alone?.[Symbol.dispose]();
    alone = deps.clock.after(aloneMs, deps.onAlone);
  };
  left(undefined);

  const enter = (socket: Socket): void => {
    const entered = openClientSession(socket, deps);
    // It comes anew where it takes its own for lost: the newest is the one that lives.
    const before = session;
    session = entered;
    before?.destroy(new Error('the helper came anew'));
    alone?.[Symbol.dispose]();
    came.resolve(undefined);
    deps.log.info('the helper on the laptop is there');
    void entered.closed.then(() => {
      deps.log.warning('the helper on the laptop is gone');
      left(entered);
    });
  };

  const present = (): ClientSession | undefined => (session?.isOpen === true ? session : undefined);
  const ready = async (signal: AbortSignal): Promise<ClientSession> => {
    const what = 'helper on the laptop';
    for (;;) {
      const there = present();
      if (there !== undefined) return there;
      await withDeadline(deps, { ms: readyMs, what, signal }, async () => await came.promise);
      // One that has just been lost is forgotten when its end is told.
      if (session?.isOpen === false) await session.closed;
    }
  };

  /** A session that dies with the question says nothing about the answer: the next one is asked. */
  const ask = async <T>(
    signal: AbortSignal,
    run: (helper: Client<typeof LaptopHelper>) => Promise<T>,
  ): Promise<T> => {
    const asked = await ready(signal);
    try {
      return await run(createClient(LaptopHelper, rpcTransport(asked)));
    } catch (error) {
      if (asked.isOpen || signal.aborted) throw error;
      await asked.closed;
      return await run(createClient(LaptopHelper, rpcTransport(await ready(signal))));
    }
  };

  return {
    take(errand, socket) {
      if (errand.kind === 'session') {
        enter(socket);
        return;
      }
      const arrived = arrivals.get(errand.id);
      // Whoever asked for it has given up.
      if (arrived === undefined) socket.destroy();
      else arrived(socket);
    },
    async readCredentials() {
      // A plugin may have the user sign in: there is no deadline but the helper's end.
      const { signal } = new AbortController();
      return await telling(async () => {
        const { cert, key, authorization, refreshAt } = await ask(
          signal,
          async (helper) => await helper.readCredentials({}, { signal }),
        );
        return {
          cert: cert || undefined,
          key: key || undefined,
          authorization: authorization || undefined,
          refreshAt: refreshAt || undefined,
        };
      });
    },
    async dial(signal) {
      const id = deps.randomUuid();
      const arrived = Promise.withResolvers<Socket>();
      let socket: Socket | undefined;
      arrivals.set(id, (one) => {
        socket = one;
        arrived.resolve(one);
      });
      try {
        return await telling(async () => {
          await ask(signal, async (helper) => await helper.dial({ id }, { signal }));
          const what = 'connection that the helper has made';
          return await withDeadline(deps, { ms: readyMs, what, signal }, async () => {
            return await arrived.promise;
          });
        });
      } catch (error) {
        socket?.destroy();
        throw error;
      } finally {
        arrivals.delete(id);
      }
    },
    async [Symbol.asyncDispose]() {
      alone?.[Symbol.dispose]();
      const last = session;
      session = undefined;
      await last?.[Symbol.asyncDispose]();
    },
  };
}

/** What the kubeconfig's own errors are: others are that the helper could not be asked. */
const toldCodes = ['BadConfig', 'Unauthorized', 'Unreachable', 'Other'] as const;

async function telling<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const [failure] = error.findDetails(FailureSchema);
    const code = toldCodes.find((each) => each === failure?.code);
    if (failure !== undefined) {
      throw new KubeError(code ?? 'Other', failure.message, {
        cause: error,
        hint: failure.facts['hint'],
      });
    }
    if (error.code === Code.Canceled) throw error;
    throw new KubeError('Unreachable', `the helper on the laptop is gone: ${error.rawMessage}`, {
      cause: error,
      hint: 'connect anew: telepresence quit, telepresence connect --docker',
    });
  }
}
