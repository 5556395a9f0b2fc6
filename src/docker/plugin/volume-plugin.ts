import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { version } from '#base/version.ts';
import { DockerError } from '../errors.ts';
import type { Architecture } from '../image/archive.ts';
import type { OwnFiles } from '../image/own-files.ts';
import { filesIn } from '../image/untar.ts';

/** The part of its name before the tag: no registry that exists, and nobody else's. */
export const pluginRepository = 'telepresence/telemount';

/** Our volume plugin as it is to be: known before anything large is read. */
export interface VolumePlugin {
  /** `telepresence/telemount:amd64-0.1.0` */
  readonly name: string;
  /** The same for another build while the one of that name is in use. */
  readonly otherName: string;
  /** Tells one build from another: it stands in the plugin's description. */
  readonly content: string;
  /** Makes the directory that `docker plugin create` reads; it goes when disposed. */
  directory(): Promise<{ readonly path: string } & AsyncDisposable>;
}

/** What this version's is called. */
export function pluginName(architecture: Architecture): string {
  return `${pluginRepository}:${architecture}-${version}`;
}

const program = 'volume-plugin';

/** Of the base of containers what Node and sshfs need; the rest is the daemons'. */
function isNeeded(path: string): boolean {
  if (/^(usr\/)?lib(64)?\//.test(path)) return true;
  const others = ['busybox', 'fusermount3'].map((name) => `bin/${name}`);
  return [...others, 'usr/bin/sshfs', 'etc/passwd', 'etc/group', 'etc/fuse.conf'].includes(path);
}

/** The plugin for a processor, made of this package's own files. */
export async function volumePlugin(
  deps: { readonly files: OwnFiles; readonly node: string; readonly temporaryDirectory: string },
  options: { readonly architecture: Architecture },
): Promise<VolumePlugin> {
  const { files, node } = deps;
  const { architecture } = options;
  const [base, bundle, { size }] = await Promise.all([
    files.base(architecture),
    bundleFiles(files.dist),
    stat(node),
  ]);
  const hash = createHash('sha256');
  const settings = JSON.stringify(pluginConfig(''));
  hash.update(JSON.stringify([architecture, base.digest, files.node.version, size, settings]));
  for (const { path, bytes } of bundle) hash.update(`${path}\n`).update(bytes);
  const content = hash.digest('hex').slice(0, 32);
  const name = pluginName(architecture);
  return {
    name,
    otherName: `${name}-${content.slice(0, 8)}`,
    content,
    async directory() {
      await mkdir(deps.temporaryDirectory, { recursive: true });
      const path = await mkdtemp(join(deps.temporaryDirectory, 'plugin-'));
      const remove = async (): Promise<void> => await rm(path, { recursive: true, force: true });
      try {
        const root = join(path, 'rootfs');
        const put = async (to: string, write: (whole: string) => Promise<void>): Promise<void> => {
          const whole = join(root, ...to.split('/'));
          await mkdir(dirname(whole), { recursive: true, mode: 0o755 });
          await write(whole);
        };
        const { content: packed } = base;
        if (!('from' in packed)) throw new TypeError('the base is no file');
        for await (const file of filesIn(packed.from)) {
          if (!isNeeded(file.path)) continue;
          await put(file.path, async (to) => await writeFile(to, file.bytes, { mode: file.mode }));
        }
        for (const { path: name, bytes } of bundle) {
          await put(`app/${name}`, async (to) => await writeFile(to, bytes, { mode: 0o644 }));
        }
        await put('usr/bin/node', async (to) => await copyFile(node, to));
        for (const empty of ['mnt/volumes', 'proc', 'sys', 'dev', 'run', 'tmp', 'var/lib']) {
          await mkdir(join(root, ...empty.split('/')), { recursive: true, mode: 0o755 });
        }
        await writeFile(join(path, 'config.json'), JSON.stringify(pluginConfig(content)));
        return { path, [Symbol.asyncDispose]: remove };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}

/** The description of the plugin that has this content. */
export function pluginDescription(content: string): string {
  return `Volumes of intercepted pods, for telepresence (${content})`;
}

/** docs.docker.com/engine/extend/config: no more rights than mounting takes. */
function pluginConfig(content: string): unknown {
  return {
    description: pluginDescription(content),
    documentation: 'https://www.telepresence.io',
    entrypoint: ['/usr/bin/node', '--max-semi-space-size=1', '--', `/app/${program}.mjs`],
    workdir: '/',
    interface: { types: ['docker.volumedriver/1.0'], socket: 'telemount.sock' },
    network: { type: 'host' },
    propagatedmount: '/mnt/volumes',
    linux: {
      capabilities: ['CAP_SYS_ADMIN'],
      devices: [{ name: 'fuse', description: 'files', path: '/dev/fuse', settable: null }],
      allowAllDevices: false,
    },
    mounts: null,
    env: [
      { name: 'LOG_LEVEL', description: 'debug tells more', value: 'info', settable: ['value'] },
    ],
    args: { name: '', description: '', value: null, settable: null },
  };
}

async function bundleFiles(
  dist: string,
): Promise<readonly { readonly path: string; readonly bytes: Buffer }[]> {
  const names = await readdir(dist, { recursive: true }).catch(() => []);
  const ours = names
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name === `${program}.mjs` || /^volume-plugin\/.*\.mjs$/.test(name))
    .toSorted();
  if (!ours.includes(`${program}.mjs`)) {
    throw new DockerError('ImagePartMissing', 'this installation of telepresence has no bundles', {
      hint: 'install it anew; in a checkout: npm run bundle',
    });
  }
  const manifest = { path: 'package.json', bytes: Buffer.from('{ "type": "module" }\n') };
  const files = ours.map(async (path) => ({ path, bytes: await readFile(join(dist, path)) }));
  return [manifest, ...(await Promise.all(files))];
}
