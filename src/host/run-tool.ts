import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

import { systemCode } from '#base/errors.ts';

import { HostError } from './errors.ts';

/** Where the machine's tools are, whatever the caller's PATH says. */
export const toolPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A tool of the machine (`ip`, `conntrack`), with what it is to read. */
export interface ToolCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly input?: string;
}

/** Runs a tool to its end and returns what it printed; a failure carries what it complained. */
export type RunTool = (call: ToolCall, signal: AbortSignal) => Promise<string>;

/** Runs a tool of this machine. */
export const runTool: RunTool = async ({ command, args, input }, signal) => {
  signal.throwIfAborted();
  const child = spawn(command, [...args], {
    stdio: 'pipe',
    env: { PATH: toolPath, LC_ALL: 'C' },
    signal,
    killSignal: 'SIGKILL',
  });
  const ended = Promise.withResolvers<number>();
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code ?? -1));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const name = `${command} ${args.join(' ')}`.trim();
  try {
    const [printed, complained, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      ended.promise,
    ]);
    if (code === 0) return printed;
    throw new HostError('ToolFailed', `${name}: ${complained.trim() || `exit code ${code}`}`);
  } catch (error) {
    signal.throwIfAborted();
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new HostError('ToolMissing', `the program ${command} is not installed`, { cause: error });
  }
};
