import { describe } from '#base/errors.ts';
import type { Clock } from '#base/clock.ts';
import { sourceHeader } from '#protocol/flow-headers.ts';
import type { BegunFlow, ClientSession } from '#tunnel/client-session.ts';
import { resetEnd } from '#tunnel/splice.ts';

/** How much of one connection may wait on its way to a laptop: one that is slower loses this copy. */
export const copyBytes = 512 * 1024;
/** The same of all connections together, so that copies cannot take the agent's memory. */
export const copiesBytes = 8 * 1024 * 1024;
/** So long a copy may be under way after its connection has ended. */
const drainMs = 10_000;

/** Bytes that wait in the copies of all connections. */
export interface CopyBudget {
  used: number;
}

/** What one client says, on its way to one laptop that only listens. */
export interface Copy {
  readonly interceptUid: string;
  /** Takes the chunk or loses the copy; never waits, never throws. */
  write(chunk: Buffer): void;
  /** The client has sent its FIN. */
  end(): void;
  /** Ends at once, so that the laptop sees that it was cut short. */
  reset(reason: Error): void;
}

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly budget: CopyBudget;
  /** The way to the laptop; undefined while there is none. */
  readonly session: () => Pick<ClientSession, 'beginFlow'> | undefined;
  /** It is over: orderly, or lost for a reason. */
  readonly onOver: (copy: Copy, lost: string | undefined) => void;
}

/** A copy that asks for a flow with the first byte that there is. */
export function createCopy(
  deps: Deps,
  options: { readonly interceptUid: string; readonly source: string },
): Copy {
  const { interceptUid, source } = options;
  const { budget } = deps;
  const ended = new AbortController();
  let begun: BegunFlow | undefined;
  let isOver = false;
  let waiting = 0;
  let draining: Disposable | undefined;

  const release = (bytes: number): void => {
    const freed = Math.min(bytes, waiting);
    waiting -= freed;
    budget.used -= freed;
  };
  const over = (lost: string | undefined): void => {
    if (isOver) return;
    isOver = true;
    draining?.[Symbol.dispose]();
    release(waiting);
    deps.onOver(copy, lost);
  };
  const lose = (reason: Error): void => {
    if (isOver) return;
    over(reason.message);
    if (begun === undefined) return;
    // Before it was answered, it is given up.
    ended.abort(reason);
    resetEnd(begun.flow.stream, reason);
  };
  const begin = (): BegunFlow | undefined => {
    const session = deps.session();
    if (session === undefined) return undefined;
    const headers = { [sourceHeader]: source };
    const flow = session.beginFlow({ authority: interceptUid, headers, signal: ended.signal });
    const { stream } = flow.flow;
    // What a laptop would answer is nobody's.
    stream.resume();
    stream.once('close', () =>
      over(stream.writableFinished ? undefined : 'the laptop has ended it'),
    );
    flow.accepted.catch((error: unknown) => over(describe(error)));
    return flow;
  };

  const copy: Copy = {
    interceptUid,
    write(chunk) {
      if (isOver) return;
      try {
        if (waiting + chunk.length > copyBytes || budget.used + chunk.length > copiesBytes) {
          throw new Error('the laptop reads more slowly than the client writes');
        }
        begun ??= begin();
        if (begun === undefined) throw new Error('no way to the laptop');
        waiting += chunk.length;
        budget.used += chunk.length;
        begun.flow.stream.write(chunk, () => release(chunk.length));
      } catch (error) {
        // Whatever it is, the original goes on.
        lose(error instanceof Error ? error : new Error(describe(error)));
      }
    },
    end() {
      if (isOver) return;
      if (begun === undefined) {
        over(undefined);
        return;
      }
      begun.flow.stream.end();
      draining = deps.clock.after(drainMs, () => lose(new Error('the laptop did not read it')));
    },
    reset: lose,
  };
  return copy;
}
