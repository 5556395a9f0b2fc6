import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deployDemo } from '../playground/demo-app.ts';
import { lock } from '../playground/lock.ts';
import { ensureMachine } from '../playground/packages.ts';
import { settingsFrom } from '../playground/settings.ts';
import { bringUp, isUp } from '../playground/up.ts';
import { loadOurImage } from './demo/playground-site.ts';
import { kubectl, onCluster, telepresence } from './run.ts';

const repository = new URL('..', import.meta.url).pathname;
const { layout } = settingsFrom(process.env);
/** What `helm install` and `helm upgrade` are told of our image. */
export const installFlags = ['--set', 'image.registry=telepresence'];

/** Everything that our image and what `helm install` writes are made of. */
const sources = ['src/**/*', 'images/*.ts', 'tools/bundle.ts', 'package.json', 'package-lock.json'];

let done: Promise<void> | undefined;

/**
 * What every test here starts from: the playground, the demo application, the traffic-manager of
 * the sources as they are, and a laptop that is not connected. Quick where that is so already.
 */
export async function prepare(): Promise<void> {
  done ??= bring(AbortSignal.timeout(600_000));
  await done;
}

async function bring(signal: AbortSignal): Promise<void> {
  // For who has brought all of it by hand, or wants only a part.
  if (process.env['E2E_PREPARED'] === '1') return;
  const progress = (text: string): void => void process.stderr.write(`prepare: ${text}\n`);
  const deps = { layout, env: process.env, progress };
  await ensureMachine({ uid: process.getuid?.() ?? -1, env: process.env, progress }, signal);
  const onWait = (pid: number): void => progress(`waiting for process ${String(pid)}`);
  await using _held = await lock(layout.lock, { signal, onWait });
  if (!(await isUp(layout, signal))) await bringUp(deps, signal);
  if (!(await isDemoReady())) await deployDemo(deps, signal);
  // Daemons that an earlier test left may be of other sources.
  await telepresence(['quit', '-s'], { mayFail: true });
  // Beside the playground's state, so that it is gone with it.
  const mark = join(layout.state, 'e2e-installed');
  const wanted = await fingerprint();
  const [made = '', settings] = (await readFile(mark, 'utf8').catch(() => '')).split('\n');
  // A file that failed may have left the manager with settings of its own.
  const same = made === wanted && settings === (await managerSettings());
  if (same && (await isManagerReady())) return;
  await rm(mark, { force: true });
  await loadOurImage(deps, signal);
  if (await isInstalled()) await replaceManager(progress);
  else {
    progress('telepresence helm install');
    await telepresence(['helm', 'install', ...installFlags], { deadlineMs: 180_000 });
  }
  await writeFile(mark, `${wanted}\n${await managerSettings()}`);
}

/** A new image under the old tag is taken by new pods only. */
async function replaceManager(progress: (text: string) => void): Promise<void> {
  progress('telepresence helm upgrade');
  await telepresence(['helm', 'upgrade', '--reset-values', ...installFlags], {
    deadlineMs: 180_000,
  });
  const manager = 'deployment/traffic-manager';
  await kubectl('-n', 'ambassador', 'rollout', 'restart', manager);
  await kubectl('-n', 'ambassador', 'rollout', 'status', manager, '--timeout=50s');
  const pods = await kubectl('get', 'pods', '-n', 'demo', '-o', 'json');
  if (!pods.includes('"name": "traffic-agent"')) return;
  progress('restarting the pods that have an agent');
  await kubectl('-n', 'demo', 'rollout', 'restart', 'deployments');
  await rollOut('demo');
}

/** Waits until every Deployment and StatefulSet of a namespace is as it should be. */
export async function rollOut(namespace: string): Promise<void> {
  const names = await kubectl('-n', namespace, 'get', 'deployments,statefulsets', '-o', 'name');
  for (const name of names.trim().split('\n')) {
    if (name === '') continue;
    await onCluster(['kubectl', '-n', namespace, 'rollout', 'status', name, '--timeout=110s'], {
      deadlineMs: 120_000,
    });
  }
}

async function isDemoReady(): Promise<boolean> {
  const argv = ['kubectl', '-n', 'demo', 'wait', '--for=condition=Available', '--timeout=1s'];
  const { status } = await onCluster([...argv, 'deployments', '--all'], { mayFail: true });
  return status === 0;
}

/** Also where an earlier install did not come to its end. */
async function isInstalled(): Promise<boolean> {
  const argv = ['kubectl', '-n', 'ambassador', 'get', 'deployment/traffic-manager'];
  return (await onCluster(argv, { mayFail: true })).status === 0;
}

async function isManagerReady(): Promise<boolean> {
  const argv = ['kubectl', '-n', 'ambassador', 'wait', '--for=condition=Available', '--timeout=1s'];
  const { status } = await onCluster([...argv, 'deployment/traffic-manager'], { mayFail: true });
  return status === 0;
}

/** What the manager was told, on one line. */
async function managerSettings(): Promise<string> {
  const what = 'jsonpath={.spec.replicas} {.spec.template.spec.containers[*].env}';
  const argv = ['kubectl', '-n', 'ambassador', 'get', 'deployment/traffic-manager', '-o', what];
  return (await onCluster(argv, { mayFail: true })).stdout.trim();
}

async function fingerprint(): Promise<string> {
  const files = globSync(sources, { cwd: repository, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.test.'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  const hash = createHash('sha256');
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(await readFile(file));
  return hash.digest('hex');
}
