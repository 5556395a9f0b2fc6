import type { Duplex } from 'node:stream';
import { areRepeatable } from '#protocol/first-bytes.ts';

/**
 * Passes on the first chunk of a flow before the flow is answered, which saves a round trip. The
 * chunk stays in `from` until it is known to be taken: another may have to get it.
 */
export interface EarlyBytes {
  /** Some are on their way that must not be given to a second server. */
  readonly committed: boolean;
  /** They have reached whom they are for: the stream goes on after them. */
  taken(): void;
  /** They are for somebody else: the stream starts anew. */
  kept(): void;
}

/** Watches `from`, whose reader has not started, and writes its first chunk to `to`. */
export function passEarlyBytes(from: Duplex, to: Duplex): EarlyBytes {
  let seen = 0;
  let committed = false;
  const onData = (chunk: Buffer): void => {
    // While something is unread the stream does not come to its end, which is the next reader's.
    from.off('data', onData).pause();
    from.unshift(chunk);
    seen = chunk.length;
    committed = !areRepeatable(chunk);
    to.write(chunk);
  };
  const stop = (): void => {
    from.off('data', onData).pause();
  };
  // It is paused where they were kept for this next one.
  from.on('data', onData).resume();
  return {
    get committed() {
      return committed;
    },
    taken() {
      stop();
      if (seen > 0) from.read(seen);
    },
    kept: stop,
  };
}
