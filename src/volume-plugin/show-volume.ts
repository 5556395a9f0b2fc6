import { lstat, mkdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { DeadlineError } from '#base/wait.ts';
import type { RemoteMount, RemoteMounts } from '#host/mounts/remote-mounts.ts';
import { openSftpClient } from '#protocol/sftp/client.ts';
import { VolumePluginError } from './errors.ts';
import type { Links } from './link/links.ts';
import type { VolumeOptions } from './volume-options.ts';

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly links: Links;
  readonly mounts: RemoteMounts;
  /** Shows a file of a mount at another place. */
  readonly bindFile: (
    from: { readonly file: string; readonly target: string },
    signal: AbortSignal,
  ) => Promise<void>;
  /** What is mounted here the engine does not see. */
  readonly privateDirectory: string;
}

interface Wanted {
  readonly options: VolumeOptions;
  readonly mountPoint: string;
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

/**
 * Mounts what a volume shows at `mountPoint`. When that fails nothing is left of it, and nothing goes on:
 * what is tried next at the same place is alone there.
 */
export async function showVolume(deps: Deps, wanted: Wanted): Promise<ShownVolume> {
  const late = new AbortController();
  const { signal } = late;
  const words = `volume ${wanted.mountPoint}: no answer within ${String(showMs)} ms`;
  using _timer = deps.clock.after(showMs, () => {
    late.abort(new DeadlineError('DeadlineExceeded', words));
  });
  try {
    return await show(deps, wanted, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Ends soon after `signal` aborts: whatever it waits for then has an end. */
async function show(deps: Deps, wanted: Wanted, signal: AbortSignal): Promise<ShownVolume> {
  await using stack = new AsyncDisposableStack();
  const { link } = stack.use(deps.links.hold(wanted.options));
  await link.ready(signal);
  const kind = await kindOf(link.join(), wanted.options.dir, signal);
  const stream = link.join();
  stack.defer(() => void stream.destroy());
  using _ending = onAbort(signal, () => void stream.destroy());
  const showAs = kind === 'directory' ? showDirectory : showFile;
  const mount = await showAs(deps, { ...wanted, stream }, { stack, signal });
  let lives = true;
  void mount.ended.then(() => {
    lives = false;
  });
  // sshfs looks whether there is anything to be shown after it has mounted: it may have ended again.
  const seen = await stat(wanted.mountPoint);
  const around = await stat(dirname(wanted.mountPoint));
  if (seen.dev === around.dev || !(await deps.mounts.isMounted(wanted.mountPoint))) {
    throw new VolumePluginError('Refused', `${wanted.options.dir} could not be mounted`);
  }
  signal.throwIfAborted();
  const owned = stack.move();
  return {
    get lives() {
      return lives;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Calls `run` when it aborts, at once where it has, until disposed. */
function onAbort(signal: AbortSignal, run: () => void): Disposable {
  if (signal.aborted) run();
  signal.addEventListener('abort', run, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', run) };
}

type Streaming = Wanted & { readonly stream: Duplex };
type Owning = { readonly stack: AsyncDisposableStack; readonly signal: AbortSignal };

async function showDirectory(
  { mounts }: Deps,
  { options, mountPoint, stream }: Streaming,
  { stack, signal }: Owning,
): Promise<RemoteMount> {
  const { readOnly, dir: from } = options;
  await clear(mounts, mountPoint);
  await mkdir(mountPoint, { recursive: true, mode: 0o755 });
  stack.defer(async () => await removeEmpty(mountPoint));
  const wish = { mountPoint, readOnly, stream, signal, from, forEverybody: true };
  const mount = stack.use(await mounts.mount(wish));
  // Whoever looks into what does not answer is told so when its sshfs is gone.
  const end = async (): Promise<void> => await mount[Symbol.asyncDispose]();
  stack.use(onAbort(signal, () => void end().catch(() => {})));
  return mount;
}

/** sshfs mounts directories: of the file's one, which nobody else sees, this one file is shown. */
async function showFile(
  deps: Deps,
  { options, mountPoint, stream }: Streaming,
  { stack, signal }: Owning,
): Promise<RemoteMount> {
  const { mounts } = deps;
  const { dir } = options;
  const around = join(deps.privateDirectory, mountPoint.slice(dirname(mountPoint).length));
  await clear(mounts, mountPoint);
  const whole = { ...options, dir: dirname(dir) };
  const shown = { options: whole, mountPoint: around, stream };
  const mount = await showDirectory(deps, shown, { stack, signal });
  await writeFile(mountPoint, '', { flag: 'wx', mode: 0o644 });
  stack.defer(async () => await clear(mounts, mountPoint));
  const file = join(around, dir.slice(dirname(dir).length));
  await deps.bindFile({ file, target: mountPoint }, signal);
  return mount;
}

async function kindOf(
  stream: Duplex,
  dir: string,
  signal: AbortSignal,
): Promise<'directory' | 'file'> {
  using _ending = onAbort(signal, () => void stream.destroy());
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

/** Takes away what a mount before this one has left. */
async function clear(mounts: RemoteMounts, mountPoint: string): Promise<void> {
  await mounts.release(mountPoint);
  await removeEmpty(mountPoint);
}

/** Only what is empty: should something be mounted still, nothing of it is touched. */
export async function removeEmpty(mountPoint: string): Promise<void> {
  const there = await lstat(mountPoint).catch(() => undefined);
  if (there === undefined) return;
  if (there.isDirectory()) await rmdir(mountPoint);
  else if (there.size === 0) await rm(mountPoint);
}
