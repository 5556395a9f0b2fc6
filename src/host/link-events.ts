import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { toolPath } from './run-tool.ts';

/** Tells of network devices that come, go and get addresses, until disposed of. */
export interface LinkEvents extends AsyncDisposable {
  /** Settles when nothing more will be told, though nobody ended it. */
  readonly lost: Promise<undefined>;
}

/**
 * Calls `onChange` for each change that the kernel tells of. `ip` would not notice our death before the
 * next one: a shell waits for the end of its input, and ends it.
 */
export function followLinks(onChange: () => void): LinkEvents {
  const script =
    'ip -o monitor link address & tool=$!; while read -r _; do :; done; kill "$tool" 2>/dev/null';
  const child = spawn('sh', ['-c', script], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
    env: { PATH: toolPath, LC_ALL: 'C' },
  });
  const lost = Promise.withResolvers<undefined>();
  child.on('error', () => lost.resolve(undefined));
  // Its output ends with `ip`, though the shell goes on to wait.
  child.stdout.on('close', () => lost.resolve(undefined));
  child.stdout.on('data', onChange);
  child.stdin.on('error', () => {});
  return {
    lost: lost.promise,
    async [Symbol.asyncDispose]() {
      child.stdout.off('data', onChange);
      child.stdout.resume();
      const isOver =
        child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
      const closed = isOver ? undefined : once(child, 'close');
      child.stdin.end();
      await closed;
    },
  };
}
