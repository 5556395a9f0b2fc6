import type { ProjectNames } from '#compose/known-names.ts';
import { call } from '../daemon/session.ts';
import type { UserDaemonClient } from '../daemon/user-daemon-client.ts';

/**
 * Has a daemon answer names so until disposed. What the daemon knows of us is the stream: whoever is
 * killed holds nothing any more.
 */
export async function holdNames(
  daemon: UserDaemonClient,
  names: ProjectNames,
  signal: AbortSignal,
): Promise<Disposable> {
  const over = new AbortController();
  const request = {
    outside: [...names.outside],
    mappings: [...names.mappings],
    fallbacks: [...names.fallbacks],
  };
  // What ends the command itself ends this only with all else: services that stop may still ask.
  const stop = (): void => over.abort(new Error('the run ends'));
  signal.addEventListener('abort', stop, { once: true });
  const stream = daemon.holdNames(request, { signal: over.signal });
  await call(async () => void (await stream.next())).catch((error: unknown) => {
    stop();
    throw error;
  });
  signal.removeEventListener('abort', stop);
  stream.next().catch(() => {});
  return { [Symbol.dispose]: stop };
}
