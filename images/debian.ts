import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { debianSource } from './debian-source.ts';

export interface DebianDeps {
  /** Where downloaded and unpacked packages are kept. */
  readonly cache: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
}

/**
 * A directory with Debian packages and all they depend on, unpacked side by side: not installed,
 * and independent of what this machine has. Made once for each list of packages. `foreign` is another
 * processor than this machine's, as Debian calls it.
 */
export async function debianRoot(
  deps: DebianDeps,
  packages: readonly string[],
  signal: AbortSignal,
  foreign?: string,
): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const wanted = packages.toSorted();
  const key = createHash('sha256')
    .update(
      JSON.stringify([wanted, /^VERSION_ID=.*$/m.exec(release)?.[0], foreign ?? process.arch]),
    )
    .digest('hex')
    .slice(0, 16);
  const root = join(deps.cache, 'debian', key);
  if (await stat(root).catch(() => undefined)) return root;
  const draft = `${root}.${process.pid}.draft`;
  const archives = `${draft}.archives`;
  const lists = `${draft}.lists`;
  try {
    deps.progress(`downloading ${wanted.join(' ')} and what they need`);
    await mkdir(join(archives, 'partial'), { recursive: true });
    const source =
      foreign === undefined ? [] : await debianSource(lists, { architecture: foreign }, signal);
    await download(deps, { packages: wanted, archives, source }, signal);
    deps.progress('unpacking them');
    await mkdir(draft, { recursive: true });
    const files = (await readdir(archives)).filter((name) => name.endsWith('.deb')).sort();
    for (const file of files) {
      await run(['dpkg-deb', '--extract', join(archives, file), draft], { signal });
    }
    // Names say version and processor: `nftables_1.0.6-2_amd64.deb`.
    await writeFile(join(draft, packageList), `${files.join('\n')}\n`);
    await rename(draft, root);
  } finally {
    await rm(archives, { recursive: true, force: true });
    await rm(lists, { recursive: true, force: true });
    await rm(draft, { recursive: true, force: true });
  }
  return root;
}

/** The file in such a directory that names the packages. */
export const packageList = '.packages';

async function download(
  deps: DebianDeps,
  wanted: {
    readonly packages: readonly string[];
    readonly archives: string;
    readonly source: readonly string[];
  },
  signal: AbortSignal,
): Promise<void> {
  const env = { ...deps.env, DEBIAN_FRONTEND: 'noninteractive' };
  const argv = [
    'apt-get',
    '-qq',
    '--yes',
    ...wanted.source,
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
  const update = ['apt-get', '-qq', ...wanted.source, '--option=DPkg::Lock::Timeout=300', 'update'];
  await run(update, { signal, env });
  await run(argv, { signal, env });
}
