import { posix, win32 } from 'node:path';

/** The user's own `config.yml`, and those of the machine; what stands in an earlier one is heard first. */
export interface ConfigPlaces {
  readonly user: string;
  readonly machine: readonly string[];
}

/** Where each platform keeps such files. */
export function configPlaces(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly platform: NodeJS.Platform;
}): ConfigPlaces {
  const { env, home, platform } = options;
  const file = ['telepresence', 'config.yml'] as const;
  if (platform === 'win32') {
    const base = env['APPDATA'] || win32.join(home, 'AppData', 'Roaming');
    return { user: win32.join(base, ...file), machine: [] };
  }
  if (platform === 'darwin') {
    return { user: posix.join(home, 'Library', 'Application Support', ...file), machine: [] };
  }
  // The XDG specification: a relative path is to be ignored.
  const isAbsolute = (path: string): boolean => path.startsWith('/');
  const named = env['XDG_CONFIG_HOME'] ?? '';
  const own = isAbsolute(named) ? named : posix.join(home, '.config');
  const shared = (env['XDG_CONFIG_DIRS'] || '/etc/xdg').split(':').filter(isAbsolute);
  return {
    user: posix.join(own, ...file),
    machine: shared.map((base) => posix.join(base, ...file)),
  };
}
