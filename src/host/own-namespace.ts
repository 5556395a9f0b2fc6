import { execFileSync } from 'node:child_process';

import { openLibc } from './libc.ts';

const cloneNewNet = 0x40000000;

const outwardInterface = `
link set lo up
link add out0 type veth peer name wire0
link set wire0 up
link set out0 up
address add 192.0.2.1/24 dev out0
address add 2001:db8::1/64 dev out0 nodad
route add default via 192.0.2.2
route add ::/0 via 2001:db8::2
`;

/**
 * For tests: moves this process to a network namespace of its own, which ends with the process,
 * so that no test can change the machine or leave anything behind. Loopback is up in it, and a
 * default route of both families leads to a wire that nobody listens on.
 */
export function enterOwnNetworkNamespace(): void {
  openLibc().unshare(cloneNewNet);
  execFileSync('ip', ['-batch', '-'], { input: outwardInterface });
}
