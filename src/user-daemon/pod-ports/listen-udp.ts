import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe } from '#base/errors.ts';
import { podLoopback } from '#protocol/dial-policy.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { carryDatagrams, type Datagrams } from '#tunnel/datagrams.ts';
import type { PodListenerDeps, ToPod } from './listen-tcp.ts';

interface DatagramFlow {
  readonly datagrams: Datagrams;
  usedAt: number;
}

/** More at once lose their datagrams. */
const mostFlows = 256;
/** As the kernel's own connection tracking forgets UDP that was answered. */
const idleMs = 120_000;
const sweepMs = 5000;

/** The same for datagrams: each socket that sends to us has a flow, on which it is answered. */
export async function listenForPodDatagrams(
  deps: PodListenerDeps,
  to: ToPod,
): Promise<AsyncDisposable> {
  const { clock, log } = deps;
  const authority = `${podLoopback}:${String(to.port)}`;
  const ending = new AbortController();
  const flows = new Map<string, DatagramFlow>();
  const socket = createSocket('udp4');

  const begin = (
    key: string,
    back: { address: string; port: number },
  ): DatagramFlow | undefined => {
    const session = deps.pickSession();
    const interceptUid = to.intercept();
    if (session === undefined || interceptUid === undefined || flows.size >= mostFlows) {
      return undefined;
    }
    const headers = { [interceptHeader]: interceptUid };
    const { signal } = ending;
    const begun = session.beginFlow({ kind: 'udp', authority, headers, signal });
    begun.accepted.catch((error: unknown) => {
      log.info("the pod's port did not answer", { port: to.port, reason: describe(error) });
    });
    const datagrams = carryDatagrams(begun.flow.stream, {
      onDatagram(payload) {
        flow.usedAt = clock.monotonic();
        // Whoever has gone meanwhile is told so by the kernel, to which nobody listens here.
        socket.send(payload, back.port, back.address, () => {});
      },
    });
    const flow: DatagramFlow = { datagrams, usedAt: clock.monotonic() };
    flows.set(key, flow);
    void datagrams.closed.then(() => {
      if (flows.get(key) === flow) flows.delete(key);
    });
    return flow;
  };

  socket.on('message', (payload, { address, port }) => {
    const key = `${address}:${String(port)}`;
    const flow = flows.get(key) ?? begin(key, { address, port });
    if (flow === undefined) return;
    flow.usedAt = clock.monotonic();
    flow.datagrams.send(payload);
  });
  socket.bind({ address: podLoopback, port: to.port, exclusive: true });
  try {
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  socket.on('error', (error) => log.debug('datagrams', { port: to.port, reason: describe(error) }));
  const sweep = clock.every(sweepMs, () => {
    const now = clock.monotonic();
    for (const { datagrams, usedAt } of flows.values()) {
      if (now - usedAt >= idleMs) datagrams.close();
    }
  });
  return {
    async [Symbol.asyncDispose]() {
      sweep[Symbol.dispose]();
      ending.abort(new Error('the intercept has ended'));
      for (const { datagrams } of flows.values()) datagrams.close();
      const closed = once(socket, 'close');
      socket.close();
      await closed;
    },
  };
}
