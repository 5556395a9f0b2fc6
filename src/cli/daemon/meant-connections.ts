import { CliError } from '../errors.ts';

/** A connection as `--use` looks for it. */
interface Named {
  readonly connection: string;
  readonly context: string;
  readonly namespace: string;
}

/**
 * The connections that `--use` means: the one of that very name, whatever else has it for a part, or all
 * that its pattern matches; without it all. An error where there are some and it means none of them.
 */
export function meantConnections<One extends Named>(
  use: string | undefined,
  all: readonly One[],
): readonly One[] {
  const called = all.filter(({ connection }) => connection === use);
  if (called.length > 0) return called;
  const matches = matcher(use);
  const meant = all.filter(({ connection }) => matches(connection));
  if (meant.length > 0 || all.length === 0) return meant;
  throw new CliError('Failed', `no connection is called ${use ?? ''}: ${shown(all)}`, {
    hint: chooseOne,
  });
}

/** Several where a command needs one. */
export function tooMany(meant: readonly Named[]): CliError {
  return new CliError('Failed', `there are ${String(meant.length)} connections: ${shown(meant)}`, {
    hint: chooseOne,
  });
}

const chooseOne = 'say which one is meant: --use NAME';

function shown(some: readonly Named[]): string {
  return some
    .map(
      ({ connection, context: of, namespace }) => `${connection} (${of}, namespace ${namespace})`,
    )
    .toSorted()
    .join(', ');
}

function matcher(use: string | undefined): (name: string) => boolean {
  if (use === undefined) return () => true;
  try {
    const pattern = new RegExp(use);
    return (name) => pattern.test(name);
  } catch (cause) {
    throw new CliError('Usage', `invalid argument "${use}" for "--use": it is no pattern`, {
      cause,
    });
  }
}
