import type { Socket } from 'node:net';

/** What a side of a flood received, and between its first and its last byte. */
export interface Received {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * The other end of flood.ts. A connection's first byte says who floods: `u` the client, whose last
 * byte is `.`; `d` the server, until the client says `.`, upon which it sends its own last byte.
 * Nobody closes while bytes are under way, since `kubectl port-forward` ends at the first reset.
 */
export function serveFlood(socket: Socket): void {
  socket.on('error', () => {});
  socket.once('data', (first) => {
    if (String(first).startsWith('d')) floodUntilTold(socket);
    else
      countUntilLast(socket, first.length - 1).then(
        (received) => {
          socket.write(JSON.stringify(received));
        },
        () => {},
      );
  });
}

const parcel = Buffer.alloc(128 * 1024, ' ');
const last = '.'.charCodeAt(0);

/** Writes as fast as it is read, until `mayGoOn` says no; then the last byte. */
export function flood(socket: Socket, mayGoOn: () => boolean): void {
  const more = (): void => {
    while (mayGoOn()) {
      if (!socket.write(parcel)) return;
    }
    socket.off('drain', more);
    socket.write('.');
  };
  socket.on('drain', more);
  more();
}

/** Counts what comes up to the last byte. */
export async function countUntilLast(socket: Socket, already: number): Promise<Received> {
  const done = Promise.withResolvers<Received>();
  const start = performance.now();
  let bytes = already;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (chunk.at(-1) === last) done.resolve({ bytes, ms: performance.now() - start });
  });
  socket.on('close', () => done.reject(new Error('closed before the last byte')));
  return done.promise;
}

function floodUntilTold(socket: Socket): void {
  let told = false;
  socket.on('data', () => {
    told = true;
  });
  flood(socket, () => !told && !socket.destroyed);
}
