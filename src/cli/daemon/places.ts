import { join } from 'node:path';
import { configPlaces, type ConfigPlaces } from '../config/config-places.ts';

/** Where sockets and logs are; every path belongs to this user alone. */
export interface Places {
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

/** The XDG directories, with the defaults of the specification. */
export function findPlaces(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  readonly platform: NodeJS.Platform;
}): Places {
  const { env, home, uid } = options;
  const runtimeBase = absolute(env['XDG_RUNTIME_DIR']);
  const runtimeDir =
    runtimeBase === undefined
      ? `/tmp/telepresence-${String(uid)}`
      : join(runtimeBase, 'telepresence');
  const stateBase = absolute(env['XDG_STATE_HOME']) ?? join(home, '.local', 'state');
  const stateDir = join(stateBase, 'telepresence');
  const logDir = join(stateDir, 'logs');
  const cacheBase = absolute(env['XDG_CACHE_HOME']) ?? join(home, '.cache');
  return {
    runtimeDir,
    userDaemonSocket: join(runtimeDir, 'user-daemon.sock'),
    rootDaemonSocket: join(runtimeDir, 'root-daemon.sock'),
    stateDir,
    cacheDir: join(cacheBase, 'telepresence'),
    logDir,
    userDaemonLog: join(logDir, 'connector.log'),
    rootDaemonLog: join(logDir, 'daemon.log'),
    config: configPlaces(options),
  };
}

/** The specification says that a relative path is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined;
}
