import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../images/command.ts';
import { builtOnce } from '../built-once.ts';

const program = 'env-readers';

/** docker's and compose's own readers of files of variables: from the cache, or built now. */
export async function buildEnvReaders(signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update(process.arch);
  for (const file of ['go.mod', 'go.sum', 'main.go']) {
    hash.update(await readFile(join(import.meta.dirname, file)));
  }
  const key = `${program}-${hash.digest('hex').slice(0, 16)}`;
  return await builtOnce({ key, program }, async (directory) => {
    await run(['go', 'build', '-trimpath', '-o', join(directory, program), '.'], {
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
      cwd: import.meta.dirname,
      signal,
    });
  });
}
