import { describe } from '#base/errors.ts';
import { VerdictSchema } from '#protocol/gen/telepresence_pb.ts';
import { TunnelError, refusals } from './errors.ts';
import type { TunnelErrorCode } from './errors.ts';
import type { Frames } from './handshake.ts';

const verdictCodes: readonly TunnelErrorCode[] = [...refusals, 'Malformed', 'Unproven'];

/** Tells the other side that it is let in. */
export function admit(frames: Frames): Promise<void> {
  return frames.write(VerdictSchema, { code: 'ok' });
}

/**
 * Runs what decides about the other side; where it throws a TunnelError, the other side is told.
 * Anything else is our own trouble: it hears Unavailable and no more.
 */
export async function judge<T>(frames: Frames, decide: () => Promise<T>): Promise<T> {
  try {
    return await decide();
  } catch (error) {
    const told =
      error instanceof TunnelError
        ? error
        : new TunnelError('Unavailable', 'the manager could not check who you are');
    if (told.code !== 'Lost') {
      await frames.write(VerdictSchema, { code: told.code, message: told.message });
    }
    throw error instanceof TunnelError
      ? error
      : new TunnelError('Unavailable', `handshake: ${describe(error)}`, { cause: error });
  }
}

/** Waits to be let in; rejects with the verdict's code otherwise. */
export async function awaitVerdict(frames: Frames): Promise<void> {
  const { code, message } = await frames.read(VerdictSchema);
  if (code === 'ok') return;
  const known = verdictCodes.find((each) => each === code) ?? 'Forbidden';
  throw new TunnelError(known, message === '' ? `not let in (${code})` : message);
}
