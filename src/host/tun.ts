import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';

import { CodedError, systemCode } from '#base/errors.ts';
import type { Subnet } from '#protocol/ip-address.ts';

import { HostError } from './errors.ts';
import type { Libc } from './libc.ts';
import type { RunTool } from './run-tool.ts';
import { formatSubnet } from './subnets.ts';
import { detachQueue, tunCalls, tunQueueFlags, tunRequest } from './tun-request.ts';

/** What the device is to carry. */
export interface DesiredTun {
  /** Routed to the device. */
  readonly subnets: readonly Subnet[];
  /**
   * The device has an address of its own, which no connection begins at: systemd-resolved asks only at
   * links that have one.
   */
  readonly addressed?: boolean;
}

/** A TUN device that disappears, with its routes, when this process does. */
export interface TunDevice extends AsyncDisposable {
  readonly name: string;
  /** Makes the device's routes these and no others. */
  apply(desired: DesiredTun, signal: AbortSignal): Promise<void>;
  /** Removes the device. */
  close(): Promise<void>;
}

interface TunDeps {
  readonly libc: Pick<Libc, 'ioctl' | 'ioctlNumber'>;
  readonly runTool: RunTool;
}

interface TunOptions {
  readonly name: string;
  /** The user who may attach queues and read the packets. */
  readonly ownerUid: number;
  readonly signal: AbortSignal;
}

/** The largest there is: the kernel then never makes fragments of what goes to the device. */
const mtu = 65_535;
const removeMs = 2000;
/** Of no scope in which a source address is looked for, and not local to the link either. */
const ownAddress = '169.254.74.38/32';
/** Where connections to the cluster's IPv6 begin: the machine may have no address of its own there. */
const ownAddressV6 = 'fd74:656c:6530::1/128';

/**
 * Makes the device and brings it up. It is not persistent: the kernel removes it with the file
 * descriptor. We hold a detached queue only; packets go to the queues that the owner attaches, and
 * nowhere while there is none.
 */
export async function openTun(deps: TunDeps, options: TunOptions): Promise<TunDevice> {
  const { name, ownerUid, signal } = options;
  await using stack = new AsyncDisposableStack();
  const fd = openClone();
  let made = false;
  stack.defer(async () => {
    closeSync(fd);
    // A queue that its owner still holds would keep it.
    const commands = [`link del dev ${name}`];
    if (made && hasDevice(name)) await deps.runTool(ip(commands), AbortSignal.timeout(removeMs));
  });
  makeDevice(deps.libc, { fd, name, ownerUid });
  made = true;
  await deps.runTool(ip([`link set dev ${name} addrgenmode none mtu ${mtu} up`]), signal);

  let routed: ReadonlySet<string> = new Set();
  let isAddressed = false;
  let hasIpv6 = false;
  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    name,
    async apply({ subnets, addressed = false }, signal) {
      const wanted = new Set(subnets.map(formatSubnet));
      const ipv6 = [...wanted].some((subnet) => subnet.includes(':'));
      const commands = [
        ...[...routed.difference(wanted)].map((subnet) => `route del ${subnet} dev ${name}`),
        ...(ipv6 && !hasIpv6 ? [`address add ${ownAddressV6} dev ${name} nodad`] : []),
        ...(!ipv6 && hasIpv6 ? [`address del ${ownAddressV6} dev ${name}`] : []),
        ...[...wanted.difference(routed)].map(
          (subnet) => `route add ${subnet} dev ${name}${scope(subnet)}`,
        ),
        ...(addressed === isAddressed ? [] : [addressCommand(name, addressed)]),
      ];
      if (commands.length === 0) return;
      if (ipv6 && !hasIpv6) switchOnIpv6(name);
      await deps.runTool(ip(commands), signal);
      routed = wanted;
      isAddressed = addressed;
      hasIpv6 = ipv6;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Some machines have it off for every new device, although they use it. */
function switchOnIpv6(name: string): void {
  try {
    writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '0');
  } catch {
    // `ip` says next what is the matter.
  }
}

/** Connections begin at the machine's own addresses, as if the device had none. */
function scope(subnet: string): string {
  return subnet.includes(':') ? '' : ' scope global';
}

function addressCommand(name: string, wanted: boolean): string {
  const verb = wanted ? 'add' : 'del';
  return `address ${verb} ${ownAddress} dev ${name} scope site`;
}

/** Whether there is a network device of that name. */
export function hasDevice(name: string): boolean {
  return readFileSync('/proc/net/dev', 'latin1').includes(`${name}:`);
}

function openClone(): number {
  try {
    return openSync('/dev/net/tun', 'r+');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw missing
      ? new HostError('TunMissing', '/dev/net/tun is missing: the kernel has no TUN devices', {
          cause: error,
        })
      : new HostError('NotPermitted', 'a TUN device needs root (CAP_NET_ADMIN)', { cause: error });
  }
}

function makeDevice(
  libc: TunDeps['libc'],
  { fd, name, ownerUid }: { fd: number; name: string; ownerUid: number },
): void {
  try {
    libc.ioctl(fd, tunCalls.setIff, tunRequest(name, tunQueueFlags));
    libc.ioctlNumber(fd, tunCalls.setOwner, ownerUid);
    libc.ioctl(fd, tunCalls.setQueue, tunRequest(name, detachQueue));
  } catch (error) {
    const code = systemCode(error instanceof CodedError ? error.cause : error);
    if (code === 'EBUSY' || code === 'EINVAL') {
      throw new HostError('AddressInUse', `there is a network device ${name} already`, {
        cause: error,
      });
    }
    if (code === 'EPERM') {
      throw new HostError('NotPermitted', 'a TUN device needs root (CAP_NET_ADMIN)', {
        cause: error,
      });
    }
    throw error;
  }
}

function ip(commands: readonly string[]): { command: string; args: string[]; input: string } {
  return { command: 'ip', args: ['-batch', '-'], input: `${commands.join('\n')}\n` };
}
