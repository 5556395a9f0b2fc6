/** What a long call says on its way and in the end. */
export type ProgressEvent<T> =
  | { readonly kind: 'progress'; readonly text: string }
  | { readonly kind: 'done'; readonly result: T };

/** Runs `work` and yields what it reports, then its result; rejects as it does. */
export async function* progressStream<T>(
  work: (report: (text: string) => void) => Promise<T>,
): AsyncGenerator<ProgressEvent<T>, void, undefined> {
  const texts: string[] = [];
  let wake = Promise.withResolvers<undefined>();
  let outcome: { readonly result: T } | { readonly error: unknown } | undefined;
  const tell = (): void => wake.resolve(undefined);
  const running = work((text) => {
    texts.push(text);
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
    const text = texts.shift();
    if (text !== undefined) {
      yield { kind: 'progress', text };
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
