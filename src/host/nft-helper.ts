import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { toolPath } from './run-tool.ts';

/**
 * Where the kernel knows no owner of tables: a shell that waits for the end of its input, which
 * our death is, and then deletes the table. It has a session of its own, out of reach of Ctrl-C.
 */
export function startNftHelper(table: string): AsyncDisposable {
  const script = 'while read -r _; do :; done; exec nft delete table inet "$1" 2>/dev/null';
  const child = spawn('sh', ['-c', script, 'sh', table], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: { PATH: toolPath },
  });
  child.stdin.on('error', () => {});
  return {
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
    },
  };
}
