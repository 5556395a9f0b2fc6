import { mkdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Layout } from './layout.ts';
import { runIn, type Machine } from './machine.ts';
import { containerdSocket } from './node.ts';

/** Gives the node an image from a tar (OCI layout or Docker archive); returns what ctr says. */
export async function loadImage(
  cluster: Machine,
  tarPath: string,
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await runIn(
    cluster,
    ['ctr', `--address=${containerdSocket}`, '--namespace=k8s.io', 'images', 'import', '-'],
    { signal, inputFile: tarPath },
  );
  return stdout;
}

/** Gives the node images from the cache, each once: a tar of the same name has the same content. */
export async function loadCached(
  deps: { readonly layout: Layout; readonly cluster: Machine },
  tars: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const loaded = join(deps.layout.state, 'loaded');
  await mkdir(loaded, { recursive: true });
  for (const tar of tars) {
    const mark = join(loaded, basename(tar));
    if (await stat(mark).catch(() => undefined)) continue;
    await loadImage(deps.cluster, tar, signal);
    await writeFile(mark, '');
  }
}
