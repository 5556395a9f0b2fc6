/** `npm run demo`: the whole story on a real Kubernetes, checked at every step. */
import { parseArgs } from 'node:util';
import { describe } from '#base/errors.ts';
import { createProgress } from '../../playground/progress.ts';
import { settingsFrom } from '../../playground/settings.ts';
import { ownClusterSite } from './own-cluster-site.ts';
import { playgroundSite } from './playground-site.ts';
import { tellStory } from './story.ts';

const usage = `usage: npm run demo [-- --context NAME [--registry HOST/PATH]]
  without --context   on the playground (root on Debian)
  --context NAME      on a cluster of your kubeconfig; kind, k3d and minikube are given the images
  --registry HOST/PATH  any other cluster pulls them from there
`;

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => stop.abort(new Error('interrupted')));
}
const say = (line: string): void => console.log(line);
const progress = createProgress({
  now: () => performance.now(),
  write: (line) => process.stderr.write(line),
});

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { context: { type: 'string' }, registry: { type: 'string' } },
  });
  // A playground of its own, so that nobody's is changed.
  process.env['PLAYGROUND_NAME'] ||= 'demo';
  const { env } = process;
  const { layout } = settingsFrom(env);
  const site =
    values.context === undefined
      ? playgroundSite({ layout, env, progress })
      : ownClusterSite({
          context: values.context,
          registry: values.registry,
          env,
          progress,
        });
  say(`# On ${site.description}`);
  try {
    await site.prepare(stop.signal);
    await tellStory({ site, say, signal: stop.signal });
  } finally {
    await site.cleanUp(AbortSignal.timeout(60_000));
  }
  say('\ndemo ok');
}

try {
  await main();
} catch (error) {
  process.stderr.write(`demo: error: ${describe(error)}\n`);
  if (error instanceof TypeError) process.stderr.write(usage);
  process.exitCode = 1;
}
