import type { Socket } from 'node:net';
import net from 'node:net';
import { once } from 'node:events';
import type { ClientSession } from './client-session.ts';
import { flowContract } from './flows.contract.ts';
import type { Path } from './flows.contract.ts';
import { refusalForDial } from './refusal.ts';
import type { IncomingFlow } from './server-session.ts';
import { dial, listen, sessionPair, tlsSessionPair } from './session.fixture.ts';
import { splice } from './splice.ts';

/** Answers a flow by dialling its port. */
async function dialPort(incoming: IncomingFlow): Promise<void> {
  const socket = net.connect({
    host: '127.0.0.1',
    port: Number(incoming.authority),
    allowHalfOpen: true,
    noDelay: true,
  });
  try {
    await once(socket, 'connect');
  } catch (error) {
    incoming.refuse(refusalForDial(error));
    return;
  }
  splice(socket, incoming.accept().stream);
}

/** Answers a flow by opening the same one on the next session. */
async function passOn(incoming: IncomingFlow, next: ClientSession): Promise<void> {
  try {
    const { authority, signal } = incoming;
    const flow = await next.openFlow({ authority, signal });
    splice(incoming.accept().stream, flow.stream);
  } catch (error) {
    incoming.refuse(refusalForDial(error));
  }
}

/** A socket whose other end is spliced to a flow on `session`. */
async function dialThrough(session: ClientSession, port: number): Promise<Socket> {
  const signal = AbortSignal.timeout(30_000);
  const flow = await session.openFlow({ authority: String(port), signal });
  const accepted = Promise.withResolvers<Socket>();
  const door = await listen(accepted.resolve);
  const near = await dial(door.port);
  const far = await accepted.promise;
  void splice(far, flow.stream).ended.then(() => door[Symbol.asyncDispose]());
  return near;
}

flowContract('plain TCP', async () => ({ dial, async [Symbol.asyncDispose]() {} }));

flowContract('one session', async (): Promise<Path> => {
  const pair = await sessionPair({ onFlow: (incoming) => void dialPort(incoming) });
  return {
    dial: (port) => dialThrough(pair.client, port),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
});

flowContract('one session over TLS', async (): Promise<Path> => {
  const pair = await tlsSessionPair({ onFlow: (incoming) => void dialPort(incoming) });
  return {
    dial: (port) => dialThrough(pair.client, port),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
});

flowContract('two sessions and a relay between', async (): Promise<Path> => {
  const inner = await sessionPair({ onFlow: (incoming) => void dialPort(incoming) });
  const outer = await sessionPair({ onFlow: (incoming) => void passOn(incoming, inner.client) });
  return {
    dial: (port) => dialThrough(outer.client, port),
    async [Symbol.asyncDispose]() {
      await outer[Symbol.asyncDispose]();
      await inner[Symbol.asyncDispose]();
    },
  };
});
