import type { Clock } from '#base/clock.ts';

/** Waits until `isSo`, which is looked at after each `change`; gives up after `ms`, or with the signal. */
export async function until(
  deps: { readonly clock: Pick<Clock, 'after'> },
  news: EventTarget,
  isSo: () => boolean,
  options: { readonly ms: number; readonly signal: AbortSignal },
): Promise<void> {
  if (isSo() || options.signal.aborted) return;
  const done = Promise.withResolvers<void>();
  const look = (): void => {
    if (isSo()) done.resolve();
  };
  const giveUp = (): void => done.resolve();
  using _timer = deps.clock.after(options.ms, giveUp);
  options.signal.addEventListener('abort', giveUp, { once: true });
  news.addEventListener('change', look);
  try {
    await done.promise;
  } finally {
    news.removeEventListener('change', look);
    options.signal.removeEventListener('abort', giveUp);
  }
}
