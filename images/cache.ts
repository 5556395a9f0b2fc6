import { join, resolve } from 'node:path';

/** Where built programs and images are kept: outside the work tree, and by every playground. */
export function cacheFrom(env: Readonly<Record<string, string | undefined>>): string {
  const base = env['XDG_CACHE_HOME'] || join(env['HOME'] || '/root', '.cache');
  return resolve(base, 'telepresence-playground');
}
