import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import { parseResolvConf } from '#host/resolv-conf.ts';

/** What a pod's resolv.conf says of the cluster's DNS. */
export interface ClusterDns {
  readonly nameserver: string;
  /** `cluster.local` */
  readonly domain: string;
}

/** What resolv.conf says of the cluster's DNS, as the kubelet writes it. */
export function clusterDns(resolvConf: string): ClusterDns {
  const { nameservers, search } = parseResolvConf(resolvConf);
  const [nameserver = '127.0.0.1'] = nameservers;
  const service = search.map((one) => one.toLowerCase()).find((one) => /^svc\.[^.]/.test(one));
  const domain = service?.slice('svc.'.length).replace(/\.$/, '') ?? 'cluster.local';
  return { nameserver, domain };
}

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly nameserver: string;
  readonly port?: number;
}

const udpMs = 2500;
const tcpMs = 5000;

/** Asks the cluster's DNS a raw question: by UDP, and by TCP where the answer was cut short. */
export async function lookupRaw(
  deps: Deps,
  query: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const what = `DNS ${deps.nameserver}`;
  // A lost datagram is asked once more before the client does.
  const ask = async (): Promise<Uint8Array> =>
    await withDeadline(
      deps,
      { ms: udpMs, what, signal },
      async (within) => await overUdp(deps, query, within),
    );
  const answer = await ask().catch(async () => {
    signal.throwIfAborted();
    return await ask();
  });
  const truncated = ((answer[2] ?? 0) & 0x02) !== 0;
  if (!truncated) return answer;
  return await withDeadline(
    deps,
    { ms: tcpMs, what, signal },
    async (within) => await overTcp(deps, query, within),
  );
}

async function overUdp(deps: Deps, query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const socket = dgram.createSocket(net.isIPv6(deps.nameserver) ? 'udp6' : 'udp4');
  const failed = Promise.withResolvers<never>();
  socket.on('error', failed.reject);
  const onAbort = (): void => failed.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const answered = new Promise<Uint8Array>((resolve) => {
      socket.on('message', (message: Buffer) => {
        // Somebody else's late answer has another id.
        if (message.length >= 12 && message[0] === query[0] && message[1] === query[1]) {
          resolve(message);
        }
      });
    });
    // Connected, so that only this server is heard, and a closed port is an error.
    socket.connect(deps.port ?? 53, deps.nameserver, () => {
      if (!signal.aborted) socket.send(query);
    });
    return await Promise.race([answered, failed.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    failed.promise.catch(() => {});
    socket.close();
  }
}

async function overTcp(deps: Deps, query: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
  const socket = net.connect({ host: deps.nameserver, port: deps.port ?? 53, noDelay: true });
  const onAbort = (): void => void socket.destroy(new Error('given up'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'connect');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, Buffer.from(chunk)]);
      if (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        return received.subarray(2, 2 + received.readUInt16BE());
      }
    }
    throw new Error('the DNS server hung up');
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}
