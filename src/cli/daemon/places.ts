import { posix, win32 } from 'node:path';
import { configPlaces, type ConfigPlaces } from '../config/config-places.ts';

/** Where sockets and logs are; every path belongs to this user alone. */
export interface Places {
  readonly platform: NodeJS.Platform;
  readonly runtimeDir: string;
  readonly userDaemonSocket: string;
  readonly rootDaemonSocket: string;
  readonly stateDir: string;
  readonly cacheDir: string;
  readonly logDir: string;
  readonly userDaemonLog: string;
  readonly rootDaemonLog: string;
  readonly config: ConfigPlaces;
}

/** What a machine says of itself. */
interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}

/** Where each platform keeps such files: on Linux the XDG directories, with the specification's defaults. */
export function findPlaces(options: Machine & { readonly uid: number }): Places {
  const { uid, platform } = options;
  const { runtimeDir, stateDir, logDir, cacheDir } = directories(options, uid);
  const { join } = platform === 'win32' ? win32 : posix;
  return {
    platform,
    runtimeDir,
    userDaemonSocket: join(runtimeDir, 'user-daemon.sock'),
    rootDaemonSocket: join(runtimeDir, 'root-daemon.sock'),
    stateDir,
    cacheDir,
    logDir,
    userDaemonLog: join(logDir, 'connector.log'),
    rootDaemonLog: join(logDir, 'daemon.log'),
    config: configPlaces(options),
  };
}

type Directories = Pick<Places, 'runtimeDir' | 'stateDir' | 'logDir' | 'cacheDir'>;

function directories({ env, home, platform }: Machine, uid: number): Directories {
  if (platform === 'win32') {
    const base = env['LOCALAPPDATA'] || win32.join(home, 'AppData', 'Local');
    const within = (name: string): string => win32.join(base, 'telepresence', name);
    return {
      runtimeDir: within('run'),
      stateDir: within('state'),
      logDir: within('logs'),
      cacheDir: within('cache'),
    };
  }
  const { join } = posix;
  const runtimeBase = absolute(env['XDG_RUNTIME_DIR']);
  const runtimeDir =
    runtimeBase === undefined
      ? `/tmp/telepresence-${String(uid)}`
      : join(runtimeBase, 'telepresence');
  if (platform === 'darwin') {
    const library = join(home, 'Library');
    return {
      // A path of a socket is a short one there.
      runtimeDir: `/tmp/telepresence-${String(uid)}`,
      stateDir: join(library, 'Application Support', 'telepresence'),
      logDir: join(library, 'Logs', 'telepresence'),
      cacheDir: join(library, 'Caches', 'telepresence'),
    };
  }
  const stateBase = absolute(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state');
  const stateDir = join(stateBase, 'telepresence');
  const cacheBase = absolute(env['XDG_CACHE_HOME']) ?? join(home, '.cache');
  const cacheDir = join(cacheBase, 'telepresence');
  return { runtimeDir, stateDir, logDir: join(stateDir, 'logs'), cacheDir };
}

/** The specification says that a relative path is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined;
}
