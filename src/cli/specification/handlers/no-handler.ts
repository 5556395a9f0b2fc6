import type { HandlerKind } from './handler-kind.ts';
import { startedAtOnce } from './handler-kind.ts';

/** Nobody answers: the service is down, for as long as the run lasts. */
export const noHandler: HandlerKind<unknown> = {
  prepare: async (_handler, { name }) =>
    await Promise.resolve(
      startedAtOnce(
        () => undefined,
        async () => {
          const ended = Promise.withResolvers<number>();
          const stop = async (): Promise<void> => await Promise.resolve(ended.resolve(0));
          return await Promise.resolve({ name, ended: ended.promise, stop });
        },
      ),
    ),
};
