import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { withDeadline } from '#base/wait.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { logFiles } from './log-files.ts';
import { makePrivateDirectory } from './private-directory.ts';
import { isListening } from './user-daemon-client.ts';

// One that fails says so at once; one that is slow is on a machine that has too much to do.
const startMs = 30_000;
const passwordMs = 120_000;
const pollMs = 20;

/** Starts the root daemon, by sudo where this user is not root; returns once it answers. */
export async function launchRootDaemon(context: CliContext, level: string): Promise<void> {
  const { places } = context;
  await makePrivateDirectory(places.runtimeDir, { ...places, uid: context.uid });
  await mkdir(places.logDir, { recursive: true, mode: 0o700 });
  await using log = await open(places.rootDaemonLog, 'a', 0o600);
  const child = start(context, level, log.fd);
  try {
    await withDeadline(
      { clock: context.clock },
      { ms: startMs, what: 'start of the root daemon', signal: context.signal },
      async (signal) => await answering(context, child, signal),
    );
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    child.removeAllListeners();
    child.unref();
  }
}

function start(context: CliContext, level: string, log: number): ChildProcess {
  const { places, programs } = context;
  const command = [
    programs.node,
    // A young generation that is never filled is memory that nobody needs.
    '--max-semi-space-size=1',
    programs.rootDaemon,
    '--socket',
    places.rootDaemonSocket,
    '--uid',
    String(context.uid),
    '--log',
    places.rootDaemonLog,
    '--log-files',
    String(logFiles(context.env)),
    '--log-level',
    level,
  ];
  const [file = '', ...args] = context.uid === 0 ? command : ['sudo', '-n', ...command];
  const stdio: StdioOptions = ['ignore', log, log];
  return spawn(file, args, { detached: true, stdio, cwd: '/' });
}

/** Lets sudo ask for the password now, while there is a terminal; the daemon is started by `sudo -n`. */
export async function prepareRootDaemon(context: CliContext): Promise<void> {
  if (context.uid === 0) return;
  if ((await sudo(context, ['-n', 'true'], 'ignore')) === 0) return;
  const code = context.interactive ? await sudo(context, ['-v'], 'inherit') : 1;
  if (code !== 0) {
    throw new CliError('Daemon', 'the root daemon needs root rights, and sudo did not give them', {
      hint: 'run this in a terminal where sudo can ask for the password, or as root',
    });
  }
}

async function sudo(
  context: CliContext,
  args: readonly string[],
  stdio: 'ignore' | 'inherit',
): Promise<number> {
  return await withDeadline(
    { clock: context.clock },
    { ms: passwordMs, what: 'sudo', signal: context.signal },
    async () => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const child = spawn('sudo', [...args], { stdio });
      child.once('exit', (code) => resolve(code ?? 1));
      child.once('error', (error) => {
        reject(
          new CliError('Daemon', 'the root daemon needs root rights, and there is no sudo', {
            cause: error,
            hint: 'install sudo, or run telepresence as root',
          }),
        );
      });
      return await promise;
    },
  );
}

/** Resolves once the socket answers; rejects when the process ends before. */
async function answering(
  context: CliContext,
  child: ChildProcess,
  signal: AbortSignal,
): Promise<void> {
  const ended = Promise.withResolvers<never>();
  child.once('error', ended.reject);
  child.once('exit', (code, killed) => {
    ended.reject(
      new CliError(
        'Daemon',
        `the root daemon ended at once (${killed ?? `exit code ${String(code)}`})`,
        { hint: `its log: ${context.places.rootDaemonLog}` },
      ),
    );
  });
  const listening = async (): Promise<void> => {
    // sudo closes what it was handed beside stdin, stdout and stderr, so there is nothing to wait on.
    while (!(await isListening(context.places.rootDaemonSocket))) {
      await context.clock.sleep(pollMs, signal);
    }
  };
  await Promise.race([listening(), ended.promise]);
}
