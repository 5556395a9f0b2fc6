import { readFile } from 'node:fs/promises';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';

/** A pod's volumes, as a container on this machine gets them. */
export interface MountedForDocker {
  /** `-v LOCAL:MOUNT`, or nothing. */
  readonly args: readonly string[];
  /** A sentence for the user, where there are no volumes. */
  readonly note?: string;
}

/** The flag for the directory where the daemon has mounted the pod's volumes. */
export async function mountedForDocker(
  { mountPoint, mountError }: Pick<InterceptInfo, 'mountPoint' | 'mountError'>,
  options: {
    /** Undefined: where they are on this machine. */
    readonly root: string | undefined;
    readonly readOnly: boolean;
    readonly uid: number;
    readonly readMounts?: () => Promise<string>;
  },
): Promise<MountedForDocker> {
  if (mountPoint === '' || mountError !== '') return { args: [] };
  const { root, readOnly, uid } = options;
  const mounts = await (options.readMounts ?? readOwnMounts)();
  if (uid !== 0 && isOurOwnFuse(mounts, mountPoint)) {
    return {
      args: [],
      note: `the pod's volumes are not in the container: Docker, which is root, does not see what a user has mounted at ${mountPoint}; with telepresence connect --docker it does`,
    };
  }
  return { args: ['-v', `${mountPoint}:${root ?? mountPoint}${readOnly ? ':ro' : ''}`] };
}

async function readOwnMounts(): Promise<string> {
  return await readFile('/proc/self/mounts', 'utf8').catch(() => '');
}

/** The kernel shows a FUSE file system to nobody but its owner unless it was allowed. */
function isOurOwnFuse(mounts: string, path: string): boolean {
  return mounts.split('\n').some((line) => {
    const [, at, kind = '', options = ''] = line.split(' ');
    return at === path && kind.startsWith('fuse') && !options.split(',').includes('allow_other');
  });
}
