import { isIP } from 'node:net';
import { isContainerName, isFilesToken } from '#protocol/sftp/files-port.ts';
import { isVolumePath } from '#protocol/sftp/volume-path.ts';
import { VolumePluginError } from './errors.ts';

/** What a volume shows, and where that is served. */
export interface VolumeOptions {
  readonly host: string;
  readonly port: number;
  readonly container: string;
  /** Absolute; `/` is all that the container has mounted. */
  readonly dir: string;
  readonly readOnly: boolean;
  readonly token: string;
}

const known = new Set(['container', 'port', 'host', 'dir', 'ro', 'token']);
const required = ['container', 'port', 'token'] as const;

/** The options of `docker volume create -o`; throws in the words of the plugin that there was before. */
export function parseVolumeOptions(given: Readonly<Record<string, string>>): VolumeOptions {
  for (const name of Object.keys(given)) {
    if (!known.has(name)) throw refuse(`illegal option ${JSON.stringify(name)}`);
  }
  for (const name of required) {
    if ((given[name] ?? '') === '') throw refuse(`missing required option "${name}"`);
  }
  const {
    container = '',
    port = '',
    host = 'localhost',
    dir = '',
    ro = 'false',
    token = '',
  } = given;
  const address = host === 'localhost' ? '127.0.0.1' : host;
  const number = /^[1-9]\d{0,4}$/.test(port) ? Number(port) : 0;
  const path = dir === '' || dir === '/' ? '/' : `/${dir.replace(/^\//, '').replace(/\/$/, '')}`;
  const checks = {
    container: isContainerName(container),
    port: number >= 1 && number <= 65_535,
    host: isIP(address) !== 0,
    dir: path === '/' || (isVolumePath(path) && isPrintable(path)),
    ro: ro === 'true' || ro === 'false',
    token: isFilesToken(token),
  };
  for (const [name, isFine] of Object.entries(checks)) {
    // Never what was given: it may be the token.
    if (!isFine) throw refuse(`illegal value of option "${name}"`);
  }
  return { host: address, port: number, container, dir: path, readOnly: ro === 'true', token };
}

/** Docker's own rule for names; they become parts of paths here. */
export function checkVolumeName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) return;
  throw refuse('illegal name of a volume');
}

/** Whether a path may stand in messages and arguments. */
function isPrintable(path: string): boolean {
  return !/\p{Cc}/u.test(path);
}

function refuse(message: string): VolumePluginError {
  return new VolumePluginError('Refused', message);
}
