/** What a long call says on its way and in the end. */
export type ProgressEvent<T> =
  | { readonly kind: 'progress' | 'warning'; readonly text: string }
  | { readonly kind: 'done'; readonly result: T };

/** Runs `work` and yields what it reports, then its result; rejects as it does. */
export async function* progressStream<T>(
  work: (report: (text: string, kind?: 'progress' | 'warning') => void) => Promise<T>,
): AsyncGenerator<ProgressEvent<T>, void, undefined> {
  const said: Exclude<ProgressEvent<T>, { readonly kind: 'done' }>[] = [];
  let wake = Promise.withResolvers<undefined>();
  let outcome: { readonly result: T } | { readonly error: unknown } | undefined;
  const tell = (): void => wake.resolve(undefined);
  const running = work((text, kind = 'progress') => {
    said.push({ kind, text });
    tell();
  }).then(
    (result) => {
      outcome = { result };
      tell();
    },
    (error: unknown) => {
      outcome = { error };
      tell();
    },
  );
  for (;;) {
    const next = said.shift();
    if (next !== undefined) {
      yield next;
      continue;
    }
    if (outcome !== undefined) break;
    await wake.promise;
    wake = Promise.withResolvers<undefined>();
  }
  await running;
  if ('error' in outcome) throw outcome.error;
  yield { kind: 'done', result: outcome.result };
}
