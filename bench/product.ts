import { cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { prepare } from '../e2e/prepare.ts';
import { run } from '../images/command.ts';
import type { CommandResult } from '../images/command.ts';
import { firstLaptop } from '../playground/addresses.ts';
import { clusterEnvironment, laptopEnvironment } from '../playground/environment.ts';
import type { Layout } from '../playground/layout.ts';
import { enter, runIn } from '../playground/machine.ts';
import type { Machine } from '../playground/machine.ts';
import { labImage } from './lab-image.ts';
import { fairShare } from './lab-manifests.ts';
import type { RoundTrip } from './stages.ts';

const repository = join(import.meta.dirname, '..');

/** The product as a user has it: bundles on the laptop, the manager in the cluster. */
export interface Product {
  /** The program `telepresence`. */
  readonly executable: string;
  /** Runs it on the laptop; a status other than 0 is an error. */
  readonly telepresence: (
    words: readonly string[],
    options: { readonly rtt: RoundTrip; readonly signal: AbortSignal },
  ) => Promise<CommandResult>;
}

/**
 * Brings the manager of the present sources into the cluster, and bundles of the same to a place
 * where nobody edits: from a checkout, `bin/telepresence` would run the sources.
 */
export async function prepareProduct(
  deps: { readonly layout: Layout; readonly laptop: Machine; readonly cluster: Machine },
  signal: AbortSignal,
): Promise<Product> {
  await prepare();
  const place = join(deps.layout.state, 'bench-product');
  await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  for (const part of ['bin', 'package.json']) {
    await cp(join(repository, part), join(place, part), { recursive: true });
  }
  await giveFairShare(deps, signal);
  await bringAgent(deps, signal);
  await symlink(join(repository, 'node_modules'), join(place, 'node_modules'));
  await run([process.execPath, 'tools/bundle.ts'], {
    cwd: repository,
    env: { ...process.env, TELEPRESENCE_DIST: join(place, 'dist') },
    signal,
  });
  const executable = join(place, 'bin/telepresence');
  return {
    executable,
    telepresence: (words, options) =>
      run([...enter(deps.laptop, '/'), executable, ...words], {
        env: productEnvironment(deps.layout, options.rtt),
        signal: options.signal,
      }),
  };
}

/** The relay must not get less of a busy machine than the bench's own pods that it is compared with. */
async function giveFairShare(
  { layout, cluster }: { readonly layout: Layout; readonly cluster: Machine },
  signal: AbortSignal,
): Promise<void> {
  const env = clusterEnvironment(layout, process.env);
  const kubectl = ['kubectl', '--namespace', 'ambassador'];
  const requests = `--requests=cpu=${fairShare.requests.cpu}`;
  const set = ['set', 'resources', 'deployment/traffic-manager', requests];
  await runIn(cluster, [...kubectl, ...set], { env, signal });
  const rollout = ['rollout', 'status', 'deployment/traffic-manager', '--timeout=60s'];
  await runIn(cluster, [...kubectl, ...rollout], { env, signal });
}

/** A namespace with an agent: whoever is connected to it has its flows dialled by that agent. */
export const agentNamespace = 'bench-agent';

async function bringAgent(
  { layout, cluster }: { readonly layout: Layout; readonly cluster: Machine },
  signal: AbortSignal,
): Promise<void> {
  const env = clusterEnvironment(layout, process.env);
  const kubectl = ['kubectl', '--namespace', agentNamespace];
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: agentManifests() });
  await runIn(cluster, [...kubectl, 'apply', '-f', '-'], { env, input, signal });
  const rollout = ['rollout', 'status', 'deployment/neighbour', '--timeout=60s'];
  await runIn(cluster, [...kubectl, ...rollout], { env, signal });
}

function agentManifests(): readonly object[] {
  const labels = { app: 'neighbour' };
  const annotations = { 'telepresence.io/inject-traffic-agent': 'enabled' };
  const args = ['-e', 'setInterval(() => {}, 1e9)'];
  const ports = [{ containerPort: 8080 }];
  const containers = [{ name: 'app', image: labImage, args, ports }];
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: agentNamespace } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'neighbour', namespace: agentNamespace },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations },
          spec: { terminationGracePeriodSeconds: 0, containers },
        },
      },
    },
  ];
}

/** The laptop's environment, with the API server near or far. */
export function productEnvironment(
  layout: Layout,
  rtt: RoundTrip,
): Readonly<Record<string, string | undefined>> {
  return laptopEnvironment(layout, {
    laptop: firstLaptop,
    kubeconfig: rtt === 0 ? 'admin' : 'admin-rtt20',
    inherited: process.env,
  });
}
