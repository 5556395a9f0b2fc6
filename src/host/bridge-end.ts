import { closeSync, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

import { probeDevice } from './bridges.ts';
import type { Libc } from './libc.ts';
import type { RunTool } from './run-tool.ts';
import { tapFlags, tunCalls, tunRequest } from './tun-request.ts';

/** An end of a wire on a bridge, as containers have them; it goes with this process. */
export interface BridgeEnd extends Disposable {
  /** Sends an IPv4 packet to this machine, as a container on the bridge would. */
  send(packet: Buffer): void;
}

interface Deps {
  readonly libc: Pick<Libc, 'ioctl'>;
  readonly runTool: RunTool;
}

const ipv4 = Buffer.from([0x08, 0x00]);
/** Of addresses that nobody is given by anybody: "tel". */
const ownAddress = Buffer.from([0x02, 0x74, 0x65, 0x6c, 0x30, 0x01]);

/** Connects an end to a bridge. There can be one at a time. */
export async function openBridgeEnd(
  { libc, runTool }: Deps,
  bridge: string,
  signal: AbortSignal,
): Promise<BridgeEnd> {
  const address = await readFile(`/sys/class/net/${bridge}/address`, 'latin1');
  const to = Buffer.from(address.trim().replaceAll(':', ''), 'hex');
  using stack = new DisposableStack();
  const fd = openSync('/dev/net/tun', 'r+');
  stack.defer(() => closeSync(fd));
  libc.ioctl(fd, tunCalls.setIff, tunRequest(probeDevice, tapFlags));
  const input = `link set dev ${probeDevice} addrgenmode none master ${bridge} up\n`;
  await runTool({ command: 'ip', args: ['-batch', '-'], input }, signal);
  const owned = stack.move();
  return {
    send: (packet) => void writeSync(fd, Buffer.concat([to, ownAddress, ipv4, packet])),
    [Symbol.dispose]: () => owned.dispose(),
  };
}
