import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DockerError } from '../errors.ts';

/**
 * In a checkout the CLI may run its sources, and a container runs the bundles: throws where these are
 * older, as two ends of different sources would be hard to tell apart. A package has no sources.
 */
export async function checkBundles(root: string, bundle: string): Promise<void> {
  const sources = join(root, 'src');
  const found = await readdir(sources, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = found.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
  if (files.length === 0) return;
  const made = await stat(bundle).catch(() => undefined);
  const changed = await Promise.all(
    // One that is gone meanwhile is no newer than anything.
    files.map(async ({ parentPath, name }) => {
      return (await stat(join(parentPath, name)).catch(() => undefined))?.mtimeMs ?? 0;
    }),
  );
  if (made !== undefined && changed.every((at) => at <= made.mtimeMs)) return;
  throw new DockerError(
    'ImagePartMissing',
    "this checkout's bundles are older than its sources, and containers run the bundles",
    { hint: 'npm run bundle' },
  );
}
