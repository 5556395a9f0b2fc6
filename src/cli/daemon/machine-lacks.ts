import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { toolPath } from '#host/run-tool.ts';
import { CliError } from '../errors.ts';

/** Where the root daemon looks for tools, whatever PATH says here. */
const toolDirectories = toolPath.split(':');

const packages = { nft: 'nftables', ip: 'iproute2' } as const;
const tunDevice = '/dev/net/tun';

/** Throws where this machine lacks what the root daemon needs: before anything is started. */
export async function checkMachine(): Promise<void> {
  for (const [tool, name] of Object.entries(packages)) {
    const found = await Promise.all(
      toolDirectories.map(async (directory) => await can(join(directory, tool), constants.X_OK)),
    );
    if (found.includes(true)) continue;
    throw new CliError('Daemon', `the program ${tool} is not installed`, {
      hint: `install the package ${name}, then connect again`,
    });
  }
  if (await can(tunDevice, constants.F_OK)) return;
  throw new CliError('Daemon', `${tunDevice} is missing: the kernel has no TUN devices`, {
    hint: 'load the module: sudo modprobe tun (in a container: --device /dev/net/tun)',
  });
}

async function can(path: string, mode: number): Promise<boolean> {
  return await access(path, mode).then(
    () => true,
    () => false,
  );
}
