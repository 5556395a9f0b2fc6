import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { run } from '../images/command.ts';
import { PlaygroundError } from './error.ts';
import { lock } from './lock.ts';
import type { Progress } from './progress.ts';

const kubernetes = { version: 'v1.36.3', major: '1', minor: '36' } as const;
const sources = [
  'coredns/go.mod',
  'coredns/go.sum',
  'coredns/main.go',
  'kubernetes/go.mod',
  'kubernetes/go.sum',
  'kubernetes/main.go',
  'kubernetes/pause/main.go',
] as const;

/** The programs that are built from source, by path. */
export interface Binaries {
  /** etcd, the control plane, kubelet, kube-proxy and kubectl, chosen by the first argument. */
  readonly kubernetes: string;
  readonly coredns: string;
  /** First process of every pod and of both machines. */
  readonly pause: string;
}

interface BuildDeps {
  readonly cache: string;
  readonly progress: Progress;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The built programs: from the cache, or built now, which takes some minutes the first time. */
export async function buildBinaries(deps: BuildDeps, signal: AbortSignal): Promise<Binaries> {
  const directory = join(deps.cache, 'bin', await sourceKey());
  const binaries: Binaries = {
    kubernetes: join(directory, 'kubernetes'),
    coredns: join(directory, 'coredns'),
    pause: join(directory, 'pause'),
  };
  if (await isFile(binaries.kubernetes, binaries.coredns, binaries.pause)) return binaries;
  await using _held = await lock(join(deps.cache, 'build.lock'), {
    signal,
    onWait: (pid) => deps.progress(`waiting for process ${pid}, which builds the same`),
  });
  await mkdir(directory, { recursive: true });
  await ensureGo(deps, signal);
  const targets: readonly Target[] = [
    { path: binaries.pause, what: 'the pause program', module: 'kubernetes', package: './pause' },
    { path: binaries.coredns, what: 'CoreDNS', module: 'coredns', package: '.' },
    {
      path: binaries.kubernetes,
      what: `Kubernetes ${kubernetes.version} (some minutes, the first time)`,
      module: 'kubernetes',
      package: '.',
    },
  ];
  for (const target of targets) {
    if (!(await isFile(target.path))) await build(target, deps, signal);
  }
  return binaries;
}

/** Puts a built program where a playground's own users may read it, without a second copy. */
export async function place(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await link(from, to).catch(() => copyFile(from, to));
}

interface Target {
  readonly path: string;
  readonly what: string;
  /** Directory of the Go module; CoreDNS's dependencies clash with those of Kubernetes. */
  readonly module: 'kubernetes' | 'coredns';
  readonly package: string;
}

async function build(target: Target, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const started = performance.now();
  deps.progress(`building ${target.what}`);
  using _ticks = systemClock.every(30_000, () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    deps.progress(`still building ${target.what}: ${seconds} s`);
  });
  const draft = `${target.path}.draft`;
  const flags = ['-trimpath', `-ldflags=${versionFlags()}`, '-o', draft];
  const env = { ...deps.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
  try {
    await run(['go', 'build', ...flags, target.package], {
      env,
      signal,
      cwd: join(import.meta.dirname, target.module),
    });
    await rename(draft, target.path);
  } catch (cause) {
    signal.throwIfAborted();
    throw new PlaygroundError('BuildFailed', `build ${target.what}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

async function ensureGo(deps: BuildDeps, signal: AbortSignal): Promise<void> {
  try {
    // Inside a module that asks for a newer Go, this fails unless Go can fetch itself.
    const cwd = join(import.meta.dirname, 'kubernetes');
    await run(['go', 'list', '-m'], { cwd, env: deps.env, signal });
  } catch (cause) {
    signal.throwIfAborted();
    throw new PlaygroundError('BuildFailed', 'building Kubernetes needs Go 1.26 on PATH', {
      cause,
    });
  }
}

function versionFlags(): string {
  const set = Object.entries({
    gitVersion: kubernetes.version,
    gitMajor: kubernetes.major,
    gitMinor: kubernetes.minor,
    gitTreeState: 'clean',
  }).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ['-s -w', ...set].join(' ');
}

async function sourceKey(): Promise<string> {
  const hash = createHash('sha256').update(`${versionFlags()} ${process.arch}`);
  for (const file of sources) hash.update(await readFile(join(import.meta.dirname, file)));
  return hash.digest('hex').slice(0, 16);
}

async function isFile(...paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (entry) => entry.isFile(),
        () => false,
      ),
    ),
  );
  return found.every(Boolean);
}
