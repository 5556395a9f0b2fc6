import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { waitUntil } from './component.ts';
import { assembleDemoImages } from './demo-images.ts';
import { clusterEnvironment } from './environment.ts';
import { loadCached } from './load.ts';
import { clusterMachine, requireMachine, runIn } from './machine.ts';
import type { UpDeps } from './up.ts';

/** The demo application's namespace. */
export const demoNamespace = 'demo';

const manifests = join(import.meta.dirname, 'demo');

/** Puts the demo application into the playground and waits until all of it is ready. */
export async function deployDemo(deps: UpDeps, signal: AbortSignal): Promise<void> {
  const { layout, progress, env } = deps;
  const cluster = await requireMachine(layout, clusterMachine);
  const applets = (await run(['busybox', '--list'], { signal })).stdout.trim().split('\n');
  const images = await assembleDemoImages(
    { cache: layout.cache, env, progress, applets, node: process.execPath },
    signal,
  );
  progress('loading the demo images');
  await loadCached({ layout, cluster }, images, signal);
  progress('applying the demo application');
  const kubectl = (args: readonly string[], input?: string) =>
    runIn(cluster, [join(layout.bin, 'kubectl'), '--namespace', demoNamespace, ...args], {
      signal,
      env: clusterEnvironment(layout, env),
      mayFail: true,
      ...(input === undefined ? {} : { input }),
    });
  // The namespace's default service account comes a moment after it, so a first try may fail.
  const all = await demoManifests();
  await waitUntil('the demo application is applied', { seconds: 20, signal }, async () => {
    const applied = await kubectl(['apply', '--filename', '-'], all);
    return applied.status === 0;
  });
  progress('waiting for its pods');
  await waitUntil(
    'the demo application is ready',
    {
      seconds: 120,
      signal,
      explain: async () => (await kubectl(['get', 'pods', '--output=wide'])).stdout,
    },
    async () => {
      const names = (await kubectl(['get', 'deployments,statefulsets', '--output=name'])).stdout;
      for (const name of names.trim().split('\n')) {
        const rollout = await kubectl(['rollout', 'status', name, '--timeout=10s']);
        if (rollout.status !== 0) return false;
      }
      return true;
    },
  );
  progress('the demo application is ready in namespace demo');
}

/** All manifests as one text, the namespace first. */
export async function demoManifests(): Promise<string> {
  const files = (await readdir(manifests)).filter((name) => name.endsWith('.yaml'));
  const ordered = ['namespace.yaml', ...files.filter((name) => name !== 'namespace.yaml')];
  const texts = await Promise.all(ordered.map((name) => readFile(join(manifests, name), 'utf8')));
  return texts.join('\n---\n');
}
