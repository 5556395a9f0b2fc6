import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { assemble } from '../images/assemble.ts';
import { programs, textFile, tree } from '../images/closure.ts';
import { run } from '../images/command.ts';
import { debianRoot, type DebianDeps } from '../images/debian.ts';
import type { TarEntry } from '#docker/image/tar.ts';
import { busyboxFiles } from './base-images.ts';

/** The images of the demo application's servers, all written by others. */
export const demoImages = {
  postgres: 'playground/postgres:1',
  redis: 'playground/redis:1',
  nginx: 'playground/nginx:1',
  /** PostGraphile and Redis Commander, from npm, on Node. */
  nodeServers: 'playground/node-servers:1',
} as const;

const debianPackages = [
  'libatomic1',
  'libnginx-mod-http-echo',
  'libstdc++6',
  'nginx-light',
  'postgresql',
  'redis-server',
  'tzdata',
];

export interface DemoImageDeps extends DebianDeps {
  readonly applets: readonly string[];
  /** The Node program that the npm servers run on. */
  readonly node: string;
}

/** Makes the demo application's images; returns their tars. */
export async function assembleDemoImages(
  deps: DemoImageDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const root = await debianRoot(deps, debianPackages, signal);
  const base = busyboxFiles(deps.applets);
  const directory = join(deps.cache, 'images');
  const make = async (name: string, entries: readonly TarEntry[]): Promise<string> =>
    assemble(
      { name, entries: [...base, ...entries], config: { entrypoint: [], user: '999:999' } },
      directory,
    );
  const inRoot = (path: string) => ({ from: join(root, path), to: path });
  const servers = await npmServers(deps, signal);
  return Promise.all([
    make(demoImages.postgres, await postgres(root, signal)),
    make(demoImages.redis, [
      ...(await programs(
        root,
        [inRoot('usr/bin/redis-server'), inRoot('usr/bin/redis-cli')],
        signal,
      )),
    ]),
    make(demoImages.nginx, [
      ...(await programs(
        root,
        [inRoot('usr/sbin/nginx'), inRoot('usr/lib/nginx/modules/ngx_http_echo_module.so')],
        signal,
      )),
      ...(await tree(join(root, 'etc/nginx'), 'etc/nginx', (path) => path === 'mime.types')),
    ]),
    make(demoImages.nodeServers, [
      ...(await programs(root, [{ from: deps.node, to: 'usr/bin/node' }], signal)),
      ...(await tree(servers, 'app', (path) => !path.endsWith('.map'))),
    ]),
  ]);
}

async function postgres(root: string, signal: AbortSignal): Promise<readonly TarEntry[]> {
  const versions = await readdir(join(root, 'usr/lib/postgresql'));
  const home = join('usr/lib/postgresql', versions.toSorted().at(-1) ?? '');
  const share = join('usr/share/postgresql', versions.toSorted().at(-1) ?? '');
  const names = ['postgres', 'initdb', 'psql', 'pg_isready'];
  const binaries = names.map((name) => `${home}/bin/${name}`);
  // The compiler of queries is left out: it is ten times all the rest.
  const modules = (await readdir(join(root, home, 'lib')))
    .filter((name) => name.endsWith('.so') && !name.startsWith('llvmjit'))
    .map((name) => `${home}/lib/${name}`);
  const files = [...binaries, ...modules].map((path) => ({ from: join(root, path), to: path }));
  const start = await readFile(join(import.meta.dirname, 'demo', 'postgres.sh'), 'utf8');
  return [
    ...(await programs(root, files, signal)),
    ...(await tree(join(root, share), share, (path) => !path.startsWith('man/'))),
    ...(await tree(join(root, 'usr/share/zoneinfo'), 'usr/share/zoneinfo', isUtc)),
    ...names.map((name): TarEntry => {
      return { kind: 'symlink', path: `usr/local/bin/${name}`, target: `/${home}/bin/${name}` };
    }),
    textFile('etc/passwd', 'root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\n'),
    textFile('usr/local/bin/postgres.sh', start, 0o755),
  ];
}

const isUtc = (path: string): boolean => path === 'UTC' || path.startsWith('Etc/UTC');

/** The npm servers with all they depend on, installed from the committed lock file. */
async function npmServers(deps: DemoImageDeps, signal: AbortSignal): Promise<string> {
  const source = join(import.meta.dirname, 'servers');
  const hash = createHash('sha256').update(await readFile(join(source, 'package-lock.json')));
  const directory = join(deps.cache, 'npm', hash.digest('hex').slice(0, 16));
  if (await stat(directory).catch(() => undefined)) return directory;
  const draft = `${directory}.${process.pid}.draft`;
  try {
    deps.progress('installing the npm servers');
    await mkdir(draft, { recursive: true });
    await cp(source, draft, { recursive: true });
    await run(['npm', 'ci', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'], {
      cwd: draft,
      env: deps.env,
      signal,
    });
    await rename(draft, directory);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return directory;
}
