import { createHash } from 'node:crypto';
import { copyFile, link, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { run } from '../images/command.ts';
import { PlaygroundError } from './error.ts';
import { lock } from './lock.ts';
import type { Progress } from './progress.ts';

const kubernetes = { version: 'v1.36.3', major: '1', minor: '36' } as const;
const coredns = 'v1.14.7';
const source = join(import.meta.dirname, 'kubernetes');

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
  const into = async (path: string, what: string, argv: GoBuild): Promise<void> => {
    if (await isFile(path)) return;
    await build({ path, what, argv }, deps, signal);
  };
  await into(binaries.pause, 'the pause program', {
    kind: 'package',
    path: './pause',
    flags: '-s -w',
  });
  await into(binaries.kubernetes, `Kubernetes ${kubernetes.version} (minutes, the first time)`, {
    kind: 'package',
    path: '.',
    flags: versionFlags(),
  });
  await into(binaries.coredns, `CoreDNS ${coredns}`, {
    kind: 'module',
    path: `github.com/coredns/coredns@${coredns}`,
    flags: '-s -w',
  });
  return binaries;
}

/** Puts a built program where a playground's own users may read it, without a second copy. */
export async function place(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await link(from, to).catch(() => copyFile(from, to));
}

interface GoBuild {
  /** A package of our module, or a module of its own (its dependencies clash with ours). */
  readonly kind: 'package' | 'module';
  readonly path: string;
  readonly flags: string;
}

async function build(
  target: { readonly path: string; readonly what: string; readonly argv: GoBuild },
  deps: BuildDeps,
  signal: AbortSignal,
): Promise<void> {
  const started = performance.now();
  deps.progress(`building ${target.what}`);
  using _ticks = systemClock.every(30_000, () => {
    const seconds = Math.round((performance.now() - started) / 1000);
    deps.progress(`still building ${target.what}: ${seconds} s`);
  });
  const drafts = `${target.path}.draft`;
  await rm(drafts, { recursive: true, force: true });
  await mkdir(drafts);
  const flags = ['-trimpath', '-ldflags', target.argv.flags] as const;
  const env = { ...deps.env, CGO_ENABLED: '0', GOBIN: drafts, GOFLAGS: '-buildvcs=false' };
  try {
    if (target.argv.kind === 'module') {
      await run(['go', 'install', ...flags, target.argv.path], { env, signal });
      await rename(join(drafts, 'coredns'), target.path);
    } else {
      const out = join(drafts, 'built');
      await run(['go', 'build', ...flags, '-o', out, target.argv.path], {
        env,
        signal,
        cwd: source,
      });
      await rename(out, target.path);
    }
  } catch (cause) {
    signal.throwIfAborted();
    throw new PlaygroundError('BuildFailed', `build ${target.what}`, { cause });
  } finally {
    await rm(drafts, { recursive: true, force: true });
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
  const hash = createHash('sha256').update(`${versionFlags()} ${coredns} ${process.arch}`);
  for (const file of ['go.mod', 'go.sum', 'main.go', 'pause/main.go']) {
    hash.update(await readFile(join(source, file)));
  }
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
