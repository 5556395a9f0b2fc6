import { spawn } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { withDeadline } from '#base/wait.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { logFiles } from './log-files.ts';
import { makePrivateDirectory } from './private-directory.ts';

// One that fails says so at once; one that is slow is on a machine that has too much to do.
const startMs = 30_000;

/** Starts the user daemon; returns once it answers. */
export async function launchUserDaemon(context: CliContext, level: string): Promise<void> {
  const { places, programs, signal } = context;
  await makePrivateDirectory(places.runtimeDir, { ...places, uid: context.uid });
  await mkdir(places.logDir, { recursive: true, mode: 0o700 });
  await using log = await open(places.userDaemonLog, 'a', 0o600);
  const child = spawn(
    programs.node,
    [
      // Buffers on their way must not wait for a full collection: a third less memory under bulk.
      '--max-semi-space-size=1',
      programs.userDaemon,
      '--socket',
      places.userDaemonSocket,
      '--root-socket',
      places.rootDaemonSocket,
      '--state-dir',
      places.stateDir,
      '--executable',
      programs.executable,
      '--log',
      places.userDaemonLog,
      '--log-files',
      String(logFiles(context.env)),
      '--log-level',
      level,
    ],
    { detached: true, stdio: ['ignore', log.fd, log.fd, 'ipc'], cwd: '/' },
  );
  try {
    await withDeadline(
      { clock: context.clock },
      { ms: startMs, what: 'start of the user daemon', signal },
      async () => {
        const { promise, resolve, reject } = Promise.withResolvers<undefined>();
        child.once('message', () => resolve(undefined));
        child.once('error', reject);
        child.once('exit', (code, killed) => {
          reject(
            new CliError(
              'Daemon',
              `the user daemon ended at once (${killed ?? `exit code ${String(code)}`})`,
              { hint: `its log: ${places.userDaemonLog}` },
            ),
          );
        });
        await promise;
      },
    );
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
}
