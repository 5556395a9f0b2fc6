import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { ImageError } from './error.ts';

interface Source {
  /** Another release than the machine's own; its updates are not asked for then. */
  readonly release?: string;
  /** Another processor than the machine's own, as Debian calls it. */
  readonly architecture?: string;
}

const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Lists of packages in a directory of their own, from the mirrors that the machine uses: nothing of
 * the machine's is changed, and nothing else is offered from them. Returns what apt-get is told.
 */
export async function debianSource(
  directory: string,
  { release, architecture }: Source,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const codename = await run(['sh', '-c', '. /etc/os-release; echo "$VERSION_CODENAME"'], {
    signal,
  });
  const own = codename.stdout.trim();
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT)';
  const targets = await run(['apt-get', 'indextargets', '--format', format], { signal });
  const suites = new Set([own, `${own}-updates`, `${own}-security`]);
  const places = [...new Set(targets.stdout.split('\n'))]
    .map((line) => line.split(' '))
    .filter(([, suite = '', component]) => component === 'main' && suites.has(suite))
    .filter(([, suite]) => release === undefined || suite === own);
  if (places.length === 0) {
    throw new ImageError('NotInstalled', `apt's sources name no mirror of Debian ${own}`);
  }
  const entries = places.map(([mirror = '', suite = '']) => {
    return `deb [signed-by=${keys}] ${mirror} ${release ?? suite} main\n`;
  });
  // An update removes from its lists whatever it does not know.
  const lists = join(directory, 'lists');
  await mkdir(join(lists, 'partial'), { recursive: true });
  const sources = join(directory, 'sources.list');
  await writeFile(sources, entries.join(''));
  const options = {
    'Acquire::Languages': 'none',
    'APT::Sandbox::User': 'root',
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
    'Dir::Etc::SourceList': sources,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': lists,
    ...(architecture === undefined
      ? {}
      : { 'APT::Architecture': architecture, 'APT::Architectures': architecture }),
  };
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}
