import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { pipeline, type Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import { HostError } from '../errors.ts';
import { runTool, toolPath } from '../run-tool.ts';
import { mountHost, mountSource, readOwnMountPoints } from './mount-table.ts';
import type { MountWish, RemoteMount, RemoteMounts } from './remote-mounts.ts';

interface Deps {
  readonly clock: Pick<Clock, 'after' | 'sleep'>;
}

const mountWithinMs = 5000;
/** The kernel tells of a new mount only to who polls /proc/self/mounts, which Node cannot. */
const lookEveryMs = 10;
/** An sshfs that was told to end and does not is killed: what hangs in it gets an error. */
const endWithinMs = 500;
const unmountWithinMs = 3000;

/** Mounts by sshfs, which speaks to us on its standard input and output; no network of its own. */
export function createSshfsMounts(deps: Deps): RemoteMounts {
  const isMounted = async (mountPoint: string): Promise<boolean> =>
    (await readOwnMountPoints()).has(mountPoint);
  const release = async (mountPoint: string): Promise<void> => {
    if (!(await isMounted(mountPoint))) return;
    const signal = AbortSignal.timeout(unmountWithinMs);
    // Lazily: it goes even where a program stands in it.
    const args = ['-u', '-z', mountPoint];
    for (const command of ['fusermount3', 'fusermount']) {
      await runTool({ command, args }, signal).catch(() => {});
      if (!(await isMounted(mountPoint))) return;
    }
    throw new HostError('ToolFailed', `${mountPoint} cannot be unmounted`);
  };

  /** The last that was mounted at a place, and what is still being taken away there. */
  const latest = new Map<string, symbol>();
  const endings = new Map<string, Promise<void>>();

  return {
    isMounted,
    release,
    async whyNot() {
      if (!(await isOnPath('sshfs'))) return 'sshfs is not installed';
      if (!(await isOnPath('fusermount3')) && !(await isOnPath('fusermount'))) {
        return 'fusermount is not installed';
      }
      const usable = await access('/dev/fuse', constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      );
      return usable ? undefined : 'there is no /dev/fuse that may be used';
    },
    async mount(wish) {
      const options = await ownOptions(wish.signal);
      const { mountPoint } = wish;
      await endings.get(mountPoint)?.catch(() => {});
      const me = Symbol(mountPoint);
      latest.set(mountPoint, me);
      const sshfs = startSshfs(wish, options);
      let ending: Promise<void> | undefined;
      const end = async (): Promise<void> => {
        ending ??= (async () => {
          wish.stream.destroy();
          sshfs.child.stdin?.destroy();
          sshfs.child.kill('SIGTERM');
          using _late = deps.clock.after(endWithinMs, () => sshfs.child.kill('SIGKILL'));
          await sshfs.exited;
          // What is there may be another's by now.
          if (latest.get(mountPoint) !== me) return;
          latest.delete(mountPoint);
          await release(mountPoint);
        })();
        endings.set(mountPoint, ending);
        try {
          await ending;
        } finally {
          if (endings.get(mountPoint) === ending) endings.delete(mountPoint);
        }
      };
      try {
        const what = `mount ${mountPoint}`;
        await withDeadline(
          deps,
          { ms: mountWithinMs, what, signal: wish.signal },
          async (waiting) => {
            const failed = sshfs.exited.then((why) => {
              throw new HostError('ToolFailed', `sshfs: ${why}`);
            });
            failed.catch(() => {});
            // It mounts before it has heard anything from the other end.
            await Promise.race([sshfs.answered, failed]);
            while (!(await isMounted(mountPoint))) {
              await Promise.race([deps.clock.sleep(lookEveryMs, waiting), failed]);
            }
          },
        );
      } catch (error) {
        await end().catch(() => {});
        throw error;
      }
      return mounted(sshfs.exited, end);
    },
  };
}

function mounted(exited: Promise<string>, end: () => Promise<void>): RemoteMount {
  return {
    // Also where it was killed, and left a mount that answers nothing.
    ended: exited.then(async (why) => {
      await end().catch(() => {});
      return why;
    }),
    [Symbol.asyncDispose]: end,
  };
}

/**
 * Newer ones refuse every link with `..` in it, as ConfigMaps do not have but volumes may. The agent
 * tells of no link that leads out of the mount, so that theirs is not needed.
 */
async function ownOptions(signal: AbortSignal): Promise<readonly string[]> {
  const help = await runTool({ command: 'sshfs', args: ['--help'] }, signal).catch(() => '');
  signal.throwIfAborted();
  return help.includes('no_contain_symlinks') ? ['no_contain_symlinks'] : [];
}

function startSshfs(
  { mountPoint, readOnly, stream, from = '/', forEverybody = false }: MountWish,
  more: readonly string[],
): {
  readonly child: ChildProcess;
  /** Resolves when the other end has said something. */
  readonly answered: Promise<undefined>;
  /** Resolves when the process is gone, with what it complained of. */
  readonly exited: Promise<string>;
} {
  const options = [
    'passive',
    // What the kubelet renews is seen soon.
    'dcache_timeout=2',
    'entry_timeout=1',
    'attr_timeout=1',
    ...(readOnly ? ['ro'] : []),
    // Also where the kernel asks for a part: by this it is known for ours.
    ...(from === '/' ? [] : [`fsname=${mountSource}`]),
    ...(forEverybody ? ['allow_other'] : []),
    ...more,
  ];
  const child = spawn('sshfs', ['-f', '-o', options.join(','), `${mountHost}${from}`, mountPoint], {
    stdio: 'pipe',
    cwd: '/',
    env: { PATH: toolPath, LC_ALL: 'C' },
    // A Ctrl-C in the terminal of whoever started us is not meant for it.
    detached: true,
  });
  const exited = Promise.withResolvers<string>();
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-500);
  });
  child.once('error', (error) => exited.resolve(describe(error)));
  child.once('close', (code, signal) => {
    exited.resolve(complaint.trim() || (signal ?? `exit code ${String(code)}`));
  });
  const answered = Promise.withResolvers<undefined>();
  stream.once('data', () => answered.resolve(undefined));
  carry(child.stdout, stream, child.stdin);
  return { child, answered: answered.promise, exited: exited.promise };
}

/** Whatever ends first ends the others: sshfs ends itself when its input does. */
function carry(output: NodeJS.ReadableStream, stream: Duplex, input: NodeJS.WritableStream): void {
  pipeline(output, stream, input, () => {});
}

async function isOnPath(program: string): Promise<boolean> {
  for (const directory of toolPath.split(delimiter)) {
    const found = await access(join(directory, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
