import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFrom } from '../../images/cache.ts';
import { run } from '../../images/command.ts';

/** docker's and compose's own readers of files of variables: from the cache, or built now. */
export async function buildEnvReaders(signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update(process.arch);
  for (const file of ['go.mod', 'go.sum', 'main.go']) {
    hash.update(await readFile(join(import.meta.dirname, file)));
  }
  const key = hash.digest('hex').slice(0, 16);
  const folder = join(cacheFrom(process.env), 'bin', `env-readers-${key}`);
  const path = join(folder, 'env-readers');
  if (await stat(path).catch(() => undefined)) return path;
  const draft = `${folder}.${String(process.pid)}.draft`;
  await mkdir(draft, { recursive: true });
  await run(['go', 'build', '-trimpath', '-o', join(draft, 'env-readers'), '.'], {
    env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
    cwd: import.meta.dirname,
    signal,
  });
  await rename(draft, folder).catch(async (error: unknown) => {
    // Somebody else has built the same meanwhile.
    if (!(await stat(path).catch(() => undefined))) throw error;
  });
  return path;
}
