import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

export interface DebianDeps {
  /** Where downloaded and unpacked packages are kept. */
  readonly cache: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
}

/**
 * A directory with Debian packages and all they depend on, unpacked side by side: not installed,
 * and independent of what this machine has. Made once for each list of packages.
 */
export async function debianRoot(
  deps: DebianDeps,
  packages: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const wanted = packages.toSorted();
  const key = createHash('sha256')
    .update(JSON.stringify([wanted, /^VERSION_ID=.*$/m.exec(release)?.[0], process.arch]))
    .digest('hex')
    .slice(0, 16);
  const root = join(deps.cache, 'debian', key);
  if (await stat(root).catch(() => undefined)) return root;
  const draft = `${root}.${process.pid}.draft`;
  const archives = `${draft}.archives`;
  try {
    deps.progress(`downloading ${wanted.join(' ')} and what they need`);
    await mkdir(join(archives, 'partial'), { recursive: true });
    await download(deps, { packages: wanted, archives }, signal);
    deps.progress('unpacking them');
    await mkdir(draft, { recursive: true });
    for (const file of (await readdir(archives)).filter((name) => name.endsWith('.deb')).sort()) {
      await run(['dpkg-deb', '--extract', join(archives, file), draft], { signal });
    }
    await rename(draft, root);
  } finally {
    await rm(archives, { recursive: true, force: true });
    await rm(draft, { recursive: true, force: true });
  }
  return root;
}

async function download(
  deps: DebianDeps,
  wanted: { readonly packages: readonly string[]; readonly archives: string },
  signal: AbortSignal,
): Promise<void> {
  const env = { ...deps.env, DEBIAN_FRONTEND: 'noninteractive' };
  const argv = [
    'apt-get',
    '-qq',
    '--yes',
    // As if nothing were installed, so that everything needed is fetched; and no lock is taken.
    '--option=Dir::State::status=/dev/null',
    '--option=Debug::NoLocking=1',
    `--option=Dir::Cache::archives=${wanted.archives}`,
    '--option=APT::Sandbox::User=root',
    '--no-install-recommends',
    '--download-only',
    'install',
    ...wanted.packages,
  ];
  const first = await run(argv, { signal, env, mayFail: true });
  if (first.status === 0) return;
  const update = ['apt-get', '-qq', '--option=DPkg::Lock::Timeout=300', 'update'];
  await run(update, { signal, env });
  await run(argv, { signal, env });
}
