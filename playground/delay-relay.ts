import { connect, createServer, type Server, type Socket } from 'node:net';
import { FairLink } from './fair-link.ts';

/** How far away the target seems, and how much may be under way. */
export interface DelayOptions {
  readonly target: { readonly host: string; readonly port: number };
  readonly roundTripMs: number;
  /** In each direction of a connection; a writer that is faster is stopped. */
  readonly bufferBytes: number;
  /** What all connections together get in each direction; no limit unless said. */
  readonly megabitsPerSecond?: number;
}

/** Small enough that flows on a slow link take turns often. */
const pieceBytes = 8 * 1024;

/**
 * A TCP server that passes connections on to `target` as if it were `roundTripMs` away: all bytes
 * and ends arrive late by half of it, in order. It models round trips and a narrow link, not loss.
 */
export function createDelayRelay(options: DelayOptions): Server {
  const width = options.megabitsPerSecond;
  const links =
    width === undefined ? undefined : { near: new FairLink(width), far: new FairLink(width) };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
  server.on('connection', (near) => {
    const far = connect({ ...options.target, allowHalfOpen: true, noDelay: true });
    // The kernel accepted at once; a distant peer would have taken a round trip for it.
    const notBefore = performance.now() + 1.5 * options.roundTripMs;
    const ends = { near, far };
    delay(ends, 'near', { ...options, notBefore, link: links?.near });
    delay(ends, 'far', { ...options, notBefore: 0, link: links?.far });
  });
  return server;
}

interface Ends {
  readonly near: Socket;
  readonly far: Socket;
}

interface Parcel {
  readonly due: number;
  /** Undefined is the end of this direction. */
  readonly bytes: Buffer | undefined;
}

function delay(
  ends: Ends,
  side: 'near' | 'far',
  options: DelayOptions & { readonly notBefore: number; readonly link: FairLink | undefined },
): void {
  const from = ends[side];
  const to = ends[side === 'near' ? 'far' : 'near'];
  const parcels: Parcel[] = [];
  let queued = 0;
  let draining = false;
  let timer: NodeJS.Timeout | undefined;

  const deliver = (): void => {
    timer = undefined;
    while (parcels[0] !== undefined && parcels[0].due <= performance.now() + 0.5) {
      if (to.writableNeedDrain) break;
      const parcel = parcels.shift();
      if (parcel?.bytes === undefined) to.end();
      else {
        queued -= parcel.bytes.byteLength;
        to.write(parcel.bytes);
      }
    }
    if (queued < options.bufferBytes) from.resume();
    schedule();
  };
  const schedule = (): void => {
    const next = parcels[0];
    if (next === undefined || timer !== undefined || draining) return;
    if (to.writableNeedDrain) {
      draining = true;
      to.once('drain', () => {
        draining = false;
        deliver();
      });
      return;
    }
    timer = setTimeout(deliver, Math.max(0, next.due - performance.now()));
  };
  const leave = (bytes: Buffer | undefined): void => {
    const due = Math.max(performance.now() + options.roundTripMs / 2, options.notBefore);
    parcels.push({ due, bytes });
    schedule();
  };
  const add = (bytes: Buffer | undefined): void => {
    queued += bytes?.byteLength ?? 0;
    if (queued >= options.bufferBytes) from.pause();
    const { link } = options;
    if (link === undefined) return leave(bytes);
    if (bytes === undefined) return link.send(parcels, 0, () => leave(undefined));
    for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      link.send(parcels, piece.byteLength, () => leave(piece));
    }
  };

  from.on('data', add);
  from.on('end', () => add(undefined));
  from.on('error', () => {});
  from.on('close', (hadError) => {
    if (!hadError) return;
    clearTimeout(timer);
    parcels.length = 0;
    options.link?.drop(parcels);
    setTimeout(() => to.resetAndDestroy(), options.roundTripMs / 2);
  });
  from.resume();
}
