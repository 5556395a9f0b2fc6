import { once } from 'node:events';
import { unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';

import { systemCode } from '#base/errors.ts';

import { HostError } from './errors.ts';

/** Runs something at once with the rights of the socket's owner, and with its files private. */
export type AsOwner = <T>(run: () => T) => T;

interface ListenOptions {
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * Listens on a unix socket that is its owner's alone (0600). A stale socket, of a process that is
 * gone, is removed; a live one is an error. The directory belongs to the owner, so everything
 * there is done with the owner's rights: as root we could be led to any file by a symbolic link.
 */
export async function listenOnUnixSocket(
  deps: { readonly server: Server; readonly asOwner: AsOwner },
  { path, signal }: ListenOptions,
): Promise<void> {
  await removeStale(deps, { path, signal });
  const listening = once(deps.server, 'listening', { signal });
  // listen() binds before it returns.
  deps.asOwner(() => deps.server.listen(path));
  try {
    await listening;
  } catch (error) {
    signal.throwIfAborted();
    throw new HostError('AddressInUse', `cannot listen on ${path}`, { cause: error });
  }
}

async function removeStale(
  deps: { readonly asOwner: AsOwner },
  { path, signal }: ListenOptions,
): Promise<void> {
  const probe = connect(path);
  try {
    await once(probe, 'connect', { signal });
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) === 'ECONNREFUSED') deps.asOwner(() => unlinkSync(path));
    return;
  } finally {
    probe.destroy();
  }
  throw new HostError('AddressInUse', `another daemon listens on ${path}`);
}
