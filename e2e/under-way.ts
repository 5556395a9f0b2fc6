import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { CommandResult } from '../images/command.ts';
import { laptopCommand, onLaptop, type RunOptions } from './run.ts';

/** A `telepresence` command on the laptop that has not ended yet. */
export interface UnderWay {
  /** Resolves when it has written this to its error stream; rejects when it ends without. */
  says(words: RegExp): Promise<void>;
  /** The same of its output. */
  prints(words: RegExp): Promise<void>;
  /** What Ctrl-C in a terminal does to it. */
  interrupt(): Promise<void>;
  /** Any other signal, to the program alone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  readonly ended: Promise<CommandResult>;
  /** What it has written to its error stream so far. */
  readonly stderr: string;
}

/** Starts one. */
export async function startTelepresence(
  args: readonly string[],
  options: Pick<RunOptions, 'env'> = {},
): Promise<UnderWay> {
  // Its number on the laptop, which becomes the program's own.
  const script = 'echo $$; exec telepresence "$@"';
  const { argv, env } = await laptopCommand(['sh', '-c', script, 'sh', ...args], options);
  const [file = '', ...words] = argv;
  const signal = AbortSignal.timeout(180_000);
  // Without a terminal, whoever runs the tests: there is no other Ctrl-C than ours.
  const child = spawn(file, words, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    detached: true,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const closed = once(child, 'close');
  while (!stdout.includes('\n')) await once(child.stdout, 'data', { signal });
  const pid = stdout.slice(0, stdout.indexOf('\n'));
  const waitFor = async (stream: Readable, text: () => string, pattern: RegExp): Promise<void> => {
    while (!pattern.test(text())) {
      // No more of it can come after its end.
      const ended = closed.then(() => true);
      const more = once(stream, 'data', { signal }).then(() => false);
      if (!(await Promise.race([more, ended])) || pattern.test(text())) continue;
      throw new Error(`ended without ${String(pattern)}: ${stdout} ${stderr}`);
    }
  };
  const kill = async (name: NodeJS.Signals): Promise<void> => {
    await onLaptop(['kill', `-${name.slice(3)}`, pid]);
  };
  return {
    get stderr() {
      return stderr;
    },
    says: async (pattern) => await waitFor(child.stderr, () => stderr, pattern),
    prints: async (pattern) => await waitFor(child.stdout, () => stdout, pattern),
    interrupt: async () => await kill('SIGINT'),
    kill,
    ended: closed.then(() => ({
      status: child.exitCode ?? -1,
      stdout: stdout.slice(pid.length + 1),
      stderr,
    })),
  };
}
