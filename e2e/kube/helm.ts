import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFrom } from '../../images/cache.ts';
import { run } from '../../images/command.ts';

const version = 'v3.22.0';

/** The real helm: from the cache, or built now, which takes some minutes the first time. */
export async function buildHelm(signal: AbortSignal): Promise<string> {
  const folder = join(cacheFrom(process.env), 'bin', `helm-${version}`);
  const path = join(folder, 'helm');
  if (await stat(path).catch(() => undefined)) return path;
  console.log(`building helm ${version}`);
  const draft = `${folder}.${String(process.pid)}.draft`;
  await mkdir(draft, { recursive: true });
  await run(['go', 'install', '-ldflags=-s -w', `helm.sh/helm/v3/cmd/helm@${version}`], {
    env: { ...process.env, GOBIN: draft, CGO_ENABLED: '0' },
    signal,
  });
  await rename(draft, folder);
  return path;
}
