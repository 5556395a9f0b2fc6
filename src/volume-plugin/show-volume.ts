import { lstat, mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import { withDeadline } from '#base/wait.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import { openSftpClient } from '#protocol/sftp/client.ts';
import { VolumePluginError } from './errors.ts';
import type { Links } from './link/links.ts';
import type { VolumeOptions } from './volume-options.ts';

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly links: Links;
  readonly mounts: RemoteMounts;
}

/** A volume that stands in the mount table. */
export interface ShownVolume extends AsyncDisposable {
  /** Whether its sshfs lives: one that was killed does not come back by itself. */
  readonly lives: boolean;
}

/** All of it together; Docker itself waits two minutes. */
const showMs = 15_000;
const kindMask = 0o170_000;
const directoryKind = 0o040_000;
const fileKind = 0o100_000;

/** Mounts what a volume shows at `mountPoint`; nothing is left of it when that fails. */
export async function showVolume(
  deps: Deps,
  { options, mountPoint }: { readonly options: VolumeOptions; readonly mountPoint: string },
): Promise<ShownVolume> {
  const { dir, readOnly } = options;
  const { signal: never } = new AbortController();
  const waiting = { ms: showMs, what: `volume ${mountPoint}`, signal: never };
  return await withDeadline(deps, waiting, async (signal) => {
    await using stack = new AsyncDisposableStack();
    const { link } = stack.use(deps.links.hold(options));
    await link.ready(signal);
    const kind = await kindOf(link.join(), dir);
    await deps.mounts.release(mountPoint);
    await prepare(mountPoint, kind);
    stack.defer(async () => await removeEmpty(mountPoint));
    const stream = link.join();
    const wish = { mountPoint, readOnly, stream, signal, from: dir, forEverybody: true };
    const mount = stack.use(await deps.mounts.mount(wish));
    let lives = true;
    void mount.ended.then(() => {
      lives = false;
    });
    const owned = stack.move();
    return {
      get lives() {
        return lives;
      },
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  });
}

async function kindOf(
  stream: ReturnType<ReturnType<Links['hold']>['link']['join']>,
  dir: string,
): Promise<'directory' | 'file'> {
  try {
    const path = Buffer.from(dir).toString('latin1');
    const reply = await openSftpClient(stream).ask({ kind: 'stat', path });
    const mode = reply.kind === 'attributes' ? (reply.attributes.mode ?? 0) : 0;
    const kind = mode & kindMask;
    if (kind === directoryKind) return 'directory';
    if (kind === fileKind) return 'file';
    const said = reply.kind === 'status' ? reply.message : '';
    throw new VolumePluginError('Refused', `${dir} is not there${said === '' ? '' : `: ${said}`}`);
  } finally {
    stream.destroy();
  }
}

/** What is mounted on is of the same kind, and empty. */
async function prepare(mountPoint: string, kind: 'directory' | 'file'): Promise<void> {
  await removeEmpty(mountPoint);
  if (kind === 'directory') await mkdir(mountPoint, { recursive: true, mode: 0o755 });
  else await writeFile(mountPoint, '', { flag: 'wx', mode: 0o644 });
}

/** Only what is empty: should something be mounted still, nothing of it is touched. */
export async function removeEmpty(mountPoint: string): Promise<void> {
  const there = await lstat(mountPoint).catch(() => undefined);
  if (there === undefined) return;
  if (there.isDirectory()) await rmdir(mountPoint);
  else if (there.size === 0) await rm(mountPoint);
}
