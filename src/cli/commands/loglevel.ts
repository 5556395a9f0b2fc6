import { logLevels } from '#base/log.ts';
import type { CliContext } from '../context.ts';
import { createRootDaemonClient } from '../daemon/root-daemon-client.ts';
import { call, findUserDaemon } from '../daemon/session.ts';
import { isListening } from '../daemon/user-daemon-client.ts';
import { CliError } from '../errors.ts';
import { flagDuration } from '../parse/duration.ts';
import { suggest } from '#base/suggest.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence loglevel LEVEL` */
export const runLoglevel: RunCommand = async (context, line) => {
  const level = line.words[0] ?? '';
  if (!logLevels.some((each) => each === level)) {
    const [near] = suggest(level, logLevels);
    throw new CliError('Usage', `invalid level "${level}": one of ${logLevels.join(', ')}`, {
      hint:
        near === undefined
          ? 'see: telepresence loglevel --help'
          : `did you mean: telepresence loglevel ${near}`,
    });
  }
  const durationMs = BigInt(flagDuration('duration', line.text('duration') ?? ''));
  const [localOnly, remoteOnly] = [line.on('local-only'), line.on('remote-only')];
  if (localOnly && remoteOnly) {
    throw new CliError('Usage', '--local-only and --remote-only exclude one another');
  }
  const wanted = { level, durationMs, local: !remoteOnly, remote: !localOnly };
  const refused = await tellDaemons(context, wanted);
  if (refused.length === 0) return 0;
  throw new CliError('Failed', `not everybody took the level ${level}: ${refused.join('; ')}`);
};

async function tellDaemons(
  context: CliContext,
  wanted: {
    readonly level: string;
    readonly durationMs: bigint;
    readonly local: boolean;
    readonly remote: boolean;
  },
): Promise<readonly string[]> {
  const { signal, places } = context;
  const daemon = await findUserDaemon(context);
  if (daemon !== undefined) {
    return (await call(async () => await daemon.setLogLevel(wanted, { signal }))).refused;
  }
  // A root daemon may have outlived it.
  if (wanted.local && !wanted.remote && (await isListening(places.rootDaemonSocket))) {
    const root = createRootDaemonClient(places.rootDaemonSocket);
    return (await call(async () => await root.setLogLevel(wanted, { signal }))).refused;
  }
  throw new CliError('Failed', 'the daemons do not run', {
    hint: 'start them: telepresence connect',
  });
}
