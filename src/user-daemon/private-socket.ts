import type { Server } from 'node:net';
import { listenOnUnixSocket } from '#host/unix-listener.ts';

/** Listens on a unix socket of mode 0600; a live daemon's socket is not taken from it. */
export async function listenPrivately(
  server: Server,
  options: { readonly path: string; readonly signal: AbortSignal },
): Promise<void> {
  await listenOnUnixSocket({ server, asOwner: withPrivateFiles }, options);
}

/** The mode must be right from the first moment, so it cannot be set afterwards. */
function withPrivateFiles<T>(run: () => T): T {
  const before = process.umask(0o177);
  try {
    return run();
  } finally {
    process.umask(before);
  }
}
