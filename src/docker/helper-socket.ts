import { createHash } from 'node:crypto';
import { posix } from 'node:path';

/** Where the helpers of one user are called: by unix sockets in a directory, or by named pipes on Windows. */
export interface HelperSockets {
  /** That lists them. */
  readonly directory: string;
  /** Where the helper of a connection is called; a path of a socket is a short one. */
  pathOf(connection: string): string;
  /** Whether a name in the directory is one of this user's. */
  owns(name: string): boolean;
}

/** By the directory of this user's sockets; on Windows that only tells the user from others. */
export function helperSockets(runtimeDir: string, platform: NodeJS.Platform): HelperSockets {
  const isWindows = platform === 'win32';
  const directory = isWindows ? '\\\\.\\pipe\\' : posix.join(runtimeDir, 'docker');
  const before = isWindows ? `telepresence-${digest(runtimeDir).slice(0, 8)}-` : '';
  return {
    directory,
    pathOf: (connection) => {
      const name = `${before}${digest(connection)}.sock`;
      return isWindows ? `${directory}${name}` : posix.join(directory, name);
    },
    owns: (name) =>
      name.startsWith(before) && /^[0-9a-f]{16}\.sock$/.test(name.slice(before.length)),
  };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
