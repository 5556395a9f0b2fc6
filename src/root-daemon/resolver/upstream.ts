import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';

/** The machine's own nameservers. */
export interface Upstream {
  /** Asks by UDP, the bytes as they are; undefined when nobody answers. */
  ask(query: Buffer): Promise<Buffer | undefined>;
  /** Connects by TCP to the first that takes it; undefined when none does. */
  connect(): Promise<Socket | undefined>;
  /** The nameserver that answered last, else the first. */
  readonly current: string | undefined;
}

interface Options {
  /** In the order of resolv.conf; a zone is allowed. */
  readonly nameservers: readonly string[];
  readonly port: number;
  /** After this the next nameserver is asked beside. */
  readonly patienceMs: number;
  /** After this nobody will answer. */
  readonly answerMs: number;
}

const maxUnderWay = 2048;

/**
 * Every query gets a socket of its own: its port is as hard to guess as the client's was, and the
 * kernel takes answers from the nameserver only.
 */
export function createUpstream(
  deps: { readonly clock: Pick<Clock, 'after'> },
  options: Options,
): Upstream {
  let preferred = 0;
  let underWay = 0;
  const order = (): number[] =>
    options.nameservers.map((_, index) => (preferred + index) % options.nameservers.length);

  const askNow = async (query: Buffer): Promise<Buffer | undefined> => {
    using stack = new DisposableStack();
    const answered = Promise.withResolvers<Buffer | undefined>();
    stack.use(deps.clock.after(options.answerMs, () => answered.resolve(undefined)));
    const left = order();
    let failed = 0;
    const askNext = (): void => {
      const index = left.shift();
      const server = index === undefined ? undefined : options.nameservers[index];
      if (index === undefined || server === undefined) return;
      const next = stack.use(deps.clock.after(options.patienceMs, askNext));
      const socket = sendTo({ server, port: options.port, query });
      stack.defer(() => socket.close());
      socket.on('message', (answer) => {
        if (answer.length < 12 || answer.readUInt16BE(0) !== query.readUInt16BE(0)) return;
        preferred = index;
        answered.resolve(answer);
      });
      socket.on('error', () => {
        failed += 1;
        if (failed === options.nameservers.length) answered.resolve(undefined);
        next[Symbol.dispose]();
        askNext();
      });
    };
    askNext();
    return await answered.promise;
  };

  return {
    async ask(query) {
      if (underWay >= maxUnderWay || query.length < 12) return undefined;
      underWay += 1;
      try {
        return await askNow(query);
      } finally {
        underWay -= 1;
      }
    },
    async connect() {
      for (const index of order()) {
        const server = options.nameservers[index];
        if (server === undefined) continue;
        const socket = await dial(deps, { server, port: options.port, ms: options.patienceMs });
        if (socket === undefined) continue;
        preferred = index;
        return socket;
      }
      return undefined;
    },
    get current() {
      return options.nameservers[preferred];
    },
  };
}

function sendTo(query: { server: string; port: number; query: Buffer }): UdpSocket {
  const socket = createSocket(query.server.includes(':') ? 'udp6' : 'udp4');
  socket.connect(query.port, query.server, () => socket.send(query.query));
  return socket;
}

async function dial(
  deps: { readonly clock: Pick<Clock, 'after'> },
  target: { server: string; port: number; ms: number },
): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const socket = connect({ host: target.server, port: target.port, noDelay: true });
  socket.once('connect', () => resolve(socket));
  socket.once('error', () => resolve(undefined));
  using _deadline = deps.clock.after(target.ms, () => {
    resolve(undefined);
    socket.destroy();
  });
  return await promise;
}
