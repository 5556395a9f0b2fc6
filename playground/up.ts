import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { addresses, firstLaptop, nodeName, ports } from './addresses.ts';
import { assembleBaseImages } from './base-images.ts';
import { buildBinaries, place, type Binaries } from './binaries.ts';
import { createAuthority } from './certificates.ts';
import { createCgroups } from './cgroup.ts';
import { clusterDnsManifests } from './cluster-dns.ts';
import { logTail, startComponent, waitUntil, type Component } from './component.ts';
import { apiServer, controllers, etcd, writeCredentials } from './control-plane.ts';
import { anyRemains, takeDown } from './down.ts';
import { clusterEnvironment } from './environment.ts';
import { fronts } from './fronts/fronts.ts';
import type { Layout } from './layout.ts';
import { loadCached } from './load.ts';
import {
  clusterMachine,
  findMachine,
  firstProcess,
  runIn,
  startMachine,
  type Machine,
} from './machine.ts';
import { connectLaptop, setUpClusterNetwork } from './network.ts';
import { containerd, containerdSocket, kubelet, kubeProxy } from './node.ts';
import { delayedApi, outsideDns, outsideWeb } from './outside.ts';
import type { Progress } from './progress.ts';
import { strictNamespaces } from './strict-namespaces.ts';

export interface UpDeps {
  readonly layout: Layout;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: Progress;
}

/** Brings the playground up, unless it is. What an interrupted run left is removed first. */
export async function bringUp(deps: UpDeps, signal: AbortSignal): Promise<void> {
  const { layout, progress } = deps;
  if (await isUp(layout, signal)) {
    progress(`playground ${layout.name} is up`);
    return;
  }
  const binaries = await buildBinaries({ ...deps, cache: layout.cache }, signal);
  const applets = (await run(['busybox', '--list'], { signal })).stdout.trim().split('\n');
  const images = await assembleBaseImages(binaries, { cache: layout.cache, applets });
  if (await anyRemains(layout)) {
    progress('removing what is left of an earlier one');
    await takeDown(layout, signal);
  }
  progress('starting two machines: cluster and laptop');
  await placePrograms(layout, binaries);
  await createCgroups(layout);
  const [cluster, laptop] = await Promise.all([
    startMachine(layout, { name: clusterMachine, resolver: addresses.outsideDns, signal }),
    startMachine(layout, { name: firstLaptop.name, resolver: addresses.gateway, signal }),
    createAuthority(layout, signal),
  ]);
  await setUpClusterNetwork(cluster, signal);
  await connectLaptop({ cluster, laptop }, firstLaptop, signal);
  await writeCredentials(layout, signal);
  await startCluster({ ...deps, cluster }, images, signal);
  await writeFile(layout.ready, JSON.stringify({ name: layout.name }));
  progress(`playground ${layout.name} is up`);
}

/** Whether `up` came to its end, both machines live, and the API server answers. */
export async function isUp(layout: Layout, signal: AbortSignal): Promise<boolean> {
  if (!(await stat(layout.ready).catch(() => undefined))) return false;
  const cluster = await findMachine(layout, clusterMachine);
  const laptop = await findMachine(layout, firstLaptop.name);
  return cluster !== undefined && laptop !== undefined && (await isApiReady(cluster, signal));
}

async function placePrograms(layout: Layout, binaries: Binaries): Promise<void> {
  await Promise.all(
    ['bin', 'programs', 'config', 'logs'].map((name) =>
      mkdir(join(layout.state, name), { recursive: true }),
    ),
  );
  await Promise.all([
    place(binaries.kubernetes, join(layout.programs, 'kubernetes')),
    place(binaries.coredns, join(layout.programs, 'coredns')),
    place(binaries.pause, firstProcess(layout)),
    place(binaries.kubernetes, join(layout.bin, 'kubectl')),
    place('/bin/busybox', join(layout.bin, 'busybox')),
  ]);
  const launcher = join(import.meta.dirname, '..', 'bin', 'telepresence');
  const script = `#!/bin/sh\nexec sh '${launcher}' "$@"\n`;
  await writeFile(join(layout.bin, 'telepresence'), script, { mode: 0o755 });
}

async function startCluster(
  deps: UpDeps & { readonly cluster: Machine },
  images: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const { layout, cluster, progress } = deps;
  const machine = { layout, machine: cluster };
  const start = (component: Component): Promise<void> => startComponent(machine, component, signal);
  const waiting = (name: string, seconds: number) => ({
    seconds,
    signal,
    explain: () => logTail(layout, name),
  });

  progress('starting etcd, the API server and containerd');
  await Promise.all([
    start(etcd(layout)),
    start(await apiServer(layout)),
    start(await containerd(layout)),
    start(await outsideDns(layout, join(layout.programs, 'coredns'))),
    start(delayedApi()),
    start(await fronts(layout, signal)),
    ...(await outsideWeb(layout)).map(start),
  ]);
  const importImages = async (): Promise<void> => {
    await waitUntil('containerd answers', waiting('containerd', 30), async () => {
      const probe = await runIn(
        cluster,
        ['ctr', `--address=${containerdSocket}`, '--connect-timeout=1s', 'version'],
        { signal, mayFail: true },
      );
      return probe.status === 0;
    });
    await loadCached({ layout, cluster }, images, signal);
    progress('images are loaded');
  };
  const api = async (): Promise<void> => {
    await waitUntil('the API server is ready', waiting('kube-apiserver', 60), () =>
      isApiReady(cluster, signal),
    );
    progress('the API server is ready; starting the controllers and the node');
    await Promise.all([...controllers(layout), await kubeProxy(layout)].map(start));
  };
  await Promise.all([importImages(), api()]);
  await start(await kubelet(layout));

  const kubectl = (args: readonly string[], input?: string) =>
    runIn(cluster, [join(layout.bin, 'kubectl'), ...args], {
      signal,
      mayFail: true,
      env: clusterEnvironment(layout, deps.env),
      ...(input === undefined ? {} : { input }),
    });
  const items = [...clusterDnsManifests, ...strictNamespaces];
  const manifests = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await waitUntil('DNS and namespaces are applied', waiting('kube-apiserver', 30), async () => {
    const applied = await kubectl(['apply', '--server-side', '-f', '-'], manifests);
    return applied.status === 0;
  });
  progress('waiting for the node');
  await waitUntil(`node ${nodeName} is ready`, waiting('kubelet', 60), async () => {
    const ready = ['wait', '--for=condition=Ready', `node/${nodeName}`, '--timeout=5s'] as const;
    return (await kubectl(ready)).status === 0;
  });
  progress('waiting for the cluster DNS');
  await waitUntil('the cluster DNS is ready', waiting('kubelet', 60), async () => {
    const rollout = ['rollout', 'status', '-n', 'kube-system', 'deployment/coredns'] as const;
    return (await kubectl([...rollout, '--timeout=5s'])).status === 0;
  });
}

async function isApiReady(cluster: Machine, signal: AbortSignal): Promise<boolean> {
  const url = `https://127.0.0.1:${ports.api}/readyz`;
  const probe = await runIn(cluster, ['curl', '-skf', '--max-time', '2', url], {
    signal,
    mayFail: true,
  });
  return probe.stdout === 'ok';
}
