import { systemCode } from '#base/errors.ts';
import { parseResolvConf } from '#host/resolv-conf.ts';
import type { Resolved } from '#host/resolved.ts';

import type { MachineResolver } from './name-way.ts';

interface Deps {
  readonly resolved: Pick<Resolved, 'isRunning'>;
  readonly readFile: (path: string) => Promise<string>;
}

/** Where systemd-resolved writes whom it asks itself; only while it runs, or after it was killed. */
const uplinks = '/run/systemd/resolve/resolv.conf';

/** How names are resolved on this machine now. */
export async function readMachineResolver(
  { resolved, readFile }: Deps,
  signal: AbortSignal,
): Promise<MachineResolver> {
  const { nameservers } = parseResolvConf(await readFile('/etc/resolv.conf'));
  const listed = await readFile(uplinks).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  const runs = listed !== undefined && (await resolved.isRunning(signal));
  return {
    // What the C library asks when nothing is listed.
    nameservers: nameservers.length === 0 ? ['127.0.0.1'] : nameservers,
    resolved: runs ? { upstream: parseResolvConf(listed).nameservers } : undefined,
  };
}
