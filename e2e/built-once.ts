import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFrom } from '../images/cache.ts';

/**
 * The path of a program that tests build: from the cache, where `key` says what it was made of, or made
 * now by `build`, which puts it into the directory that it is given.
 */
export async function builtOnce(
  { key, program }: { readonly key: string; readonly program: string },
  build: (directory: string) => Promise<unknown>,
): Promise<string> {
  const folder = join(cacheFrom(process.env), 'bin', key);
  const path = join(folder, program);
  const isThere = async (): Promise<boolean> =>
    (await stat(path).catch(() => undefined)) !== undefined;
  if (await isThere()) return path;
  console.log(`building ${key}`);
  const draft = `${folder}.${String(process.pid)}.draft`;
  await mkdir(draft, { recursive: true });
  try {
    await build(draft);
    await rename(draft, folder).catch(async (error: unknown) => {
      // Somebody else has built the same meanwhile.
      if (!(await isThere())) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return path;
}
