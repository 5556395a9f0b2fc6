import type { Duplex } from 'node:stream';

/** Files of another machine, seen in a directory of this one. */
export interface RemoteMount extends AsyncDisposable {
  /** Resolves, never rejects, once it is mounted no more, with why. Whoever disposes knows. */
  readonly ended: Promise<string>;
}

export interface MountWish {
  /** An empty directory that is there; an empty file where `from` is one. */
  readonly mountPoint: string;
  readonly readOnly: boolean;
  /** What of the other end is shown: an absolute path; all of it, unless said. */
  readonly from?: string;
  /** Whoever can reach the mount point may use it, and not this user alone. */
  readonly forEverybody?: boolean;
  /** Speaks SFTP; belongs to the mount from now on. When it ends, so does the mount. */
  readonly stream: Duplex;
  /** Gives up while it is not mounted yet. */
  readonly signal: AbortSignal;
}

/** What this machine can do with files of another one. */
export interface RemoteMounts {
  /** Why nothing can be mounted here; undefined where it can be tried. */
  whyNot(): Promise<string | undefined>;
  /** Resolves when it is really mounted, whoever says so; else nothing is left of it. */
  mount(wish: MountWish): Promise<RemoteMount>;
  /** Whether one of ours is mounted there. */
  isMounted(mountPoint: string): Promise<boolean>;
  /** Takes away one of ours that a process before this one has left, answering or not. */
  release(mountPoint: string): Promise<void>;
}
