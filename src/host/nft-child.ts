import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import * as v from 'valibot';

import { HostError } from './errors.ts';
import { toolPath } from './run-tool.ts';

/** What one batch of commands brought back. */
export interface NftReply {
  /** The sets that were listed, in order. */
  readonly sets: readonly NftSet[];
  /** What nft complained about; empty when it did not. */
  readonly errors: string;
}

/** A listed set and its plain elements. */
export interface NftSet {
  readonly name: string;
  readonly elements: readonly unknown[];
}

/** One `nft -i` held open: what it made with `flags owner` lives as long as it does. */
export interface NftChild extends AsyncDisposable {
  /** Runs commands one after the other; each succeeds or fails on its own. One call at a time. */
  run(commands: readonly string[], signal: AbortSignal): Promise<NftReply>;
  /** Settles when the child is gone, with nft's last words. */
  readonly exited: Promise<string>;
  /** Lets the child end; the kernel then drops its tables. */
  close(): Promise<void>;
}

/**
 * nft is silent about success, so every batch ends with a command that always prints one JSON line
 * and names no set. (`list tables` would do, but nft 1.0.6 prints rubbish for `flags owner`.)
 */
const sync = 'list quotas';

/** What its line editor says where no terminals are described, as in a small image: nothing of ours. */
const terminalWords = /^(Cannot read termcap database;|using dumb terminal settings\.)$/;

const parseLine = v.safeParser(
  v.pipe(
    v.string(),
    v.parseJson(),
    v.object({
      nftables: v.array(
        v.object({
          set: v.optional(
            v.object({ name: v.string(), elem: v.optional(v.array(v.unknown()), []) }),
          ),
        }),
      ),
    }),
  ),
);

/** Starts nft. The child has a session of its own, so that Ctrl-C does not reach it before us. */
export function startNftChild(): NftChild {
  const child = spawn('sh', ['-c', 'exec nft -j -i 2>&1'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: toolPath, LC_ALL: 'C' },
  });
  const lines = createInterface({ input: child.stdout });
  const gone = Promise.withResolvers<string>();
  let words: string[] = [];
  let sets: NftSet[] = [];
  let waiting: PromiseWithResolvers<NftReply> | undefined;
  let ended: string | undefined;
  const end = (said: string): void => {
    ended ??= said;
    gone.resolve(ended);
    waiting?.reject(lossOf(ended));
  };

  lines.on('line', (line) => {
    const parsed = parseLine(line);
    if (!parsed.success) {
      if (terminalWords.test(line)) return;
      words.push(line);
      // Without rights not even `sync` answers.
      if (line.includes('cache initialization failed')) child.kill('SIGKILL');
      return;
    }
    const listed = parsed.output.nftables.flatMap(({ set }) => (set === undefined ? [] : [set]));
    if (listed.length > 0) {
      sets.push(...listed.map(({ name, elem }) => ({ name, elements: elem })));
      return;
    }
    waiting?.resolve({ sets, errors: words.join('\n') });
    waiting = undefined;
    sets = [];
    words = [];
  });
  child.on('error', (error) => end(error.message));
  child.on('close', () => end(words.join('\n')));
  child.stdin.on('error', () => child.kill('SIGKILL'));

  const run = async (commands: readonly string[], signal: AbortSignal): Promise<NftReply> => {
    signal.throwIfAborted();
    if (ended !== undefined) throw lossOf(ended);
    // Whoever waits is told of the child's end by `end`: a race with `gone`, which outlives all
    // answers, would keep each of them.
    const answer = Promise.withResolvers<NftReply>();
    waiting = answer;
    // Whoever gives up loses step with the answers: the child must go, and its tables with it.
    const giveUp = (): void => {
      answer.reject(signal.reason);
      child.kill('SIGKILL');
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      child.stdin.write(`${[...commands, sync].join('\n')}\n`);
      return await answer.promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  };

  const close = async (): Promise<void> => {
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  };
  return {
    run,
    exited: gone.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function lossOf(said: string): HostError {
  const cause = new Error(said);
  if (said.includes('not found')) {
    return new HostError('NftMissing', 'the program nft is not installed', { cause });
  }
  if (said.includes('Operation not permitted')) {
    return new HostError('NotPermitted', 'nft needs root (CAP_NET_ADMIN)', { cause });
  }
  return new HostError('NftLost', 'nft ended before we did', { cause });
}
