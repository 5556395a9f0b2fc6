import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../images/command.ts';
import { builtOnce } from '../built-once.ts';
import { clusterCommand, kubectl, onCluster } from '../run.ts';

const module = 'github.com/argoproj/argo-rollouts';
const version = 'v1.9.2';
const crds = ['rollout', 'experiment', 'analysis-run', 'analysis-template'] as const;
const clusterCrd = 'cluster-analysis-template';

/** The real controller of Argo Rollouts for one namespace, and its kinds, until disposed. */
export async function startArgo(namespace: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const path = await buildController(AbortSignal.timeout(1_200_000));
  const { stdout } = await go(
    ['list', '-m', '-f', '{{.Dir}}', module],
    AbortSignal.timeout(60_000),
  );
  const kinds = [...crds, clusterCrd];
  const files = kinds.map(async (name) =>
    readFile(join(stdout.trim(), 'manifests/crds', `${name}-crd.yaml`), 'utf8'),
  );
  const input = (await Promise.all(files)).join('\n---\n');
  const names = kinds.map((name) => `crd/${name.replaceAll('-', '')}s.argoproj.io`);
  stack.defer(async () => {
    // With all that is of these kinds.
    const argv = ['kubectl', 'delete', '--ignore-not-found', ...names];
    await onCluster(argv, { deadlineMs: 180_000 });
  });
  // Their schemas are larger than the annotation of a client-side apply.
  await onCluster(['kubectl', 'apply', '--server-side', '-f', '-'], { input });
  await kubectl('wait', '--for=condition=Established', '--timeout=30s', ...names);
  const command = [path, '--namespaced', '--namespace', namespace, '--leader-elect=false'];
  const quiet = ['--loglevel', 'warn', '--metricsPort', '0', '--healthzPort', '0'];
  const { argv, env } = await clusterCommand([...command, ...quiet]);
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  stack.defer(async () => {
    const ended = once(child, 'close');
    if (child.kill()) await ended;
  });
  return stack.move();
}

/** From the cache, or built now, which takes some minutes the first time. */
async function buildController(signal: AbortSignal): Promise<string> {
  const program = 'rollouts-controller';
  return await builtOnce({ key: `argo-rollouts-${version}`, program }, async (directory) => {
    const out = join(directory, program);
    await go(['build', '-ldflags=-s -w', '-o', out, `${module}/cmd/${program}`], signal);
  });
}

async function go(args: readonly string[], signal: AbortSignal): ReturnType<typeof run> {
  return await run(['go', ...args], {
    env: { ...process.env, CGO_ENABLED: '0' },
    cwd: import.meta.dirname,
    signal,
  });
}
