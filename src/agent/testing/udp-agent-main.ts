import { systemClock } from '#base/clock.ts';
import { agentGroup } from '#protocol/agent-config.ts';

import { createUdpSwitch, openUdpTap } from '../take/udp-knock.ts';

/**
 * For tests: knocks when told `{on: port}` or `{off: port}`, and answers what comes with `agent PORT:`, its
 * length and first letters. The addresses of the pod are in argv; `group=` before them is the group it runs as.
 */
const [first = '', ...others] = process.argv.slice(2);
const group = /^group=(\d+)$/.exec(first)?.[1];
const podIps = group === undefined ? [first, ...others] : others;
process.setgroups?.([]);
process.setgid?.(Number(group ?? agentGroup));
process.setuid?.(65_534);
const ports = createUdpSwitch(
  {
    clock: systemClock,
    openTap: async (onDatagram) => await openUdpTap(podIps, onDatagram),
  },
  (port) => (payload, client) => {
    const text = String(payload.subarray(0, 20));
    client.answer(Buffer.from(`agent ${String(port)}:${String(payload.length)}:${text}`));
  },
);
process.on('message', (message: { readonly on?: number; readonly off?: number }) => {
  void (async () => {
    if (message.on !== undefined) process.send?.({ heard: await ports.on(message.on) });
    if (message.off !== undefined) process.send?.({ heard: await ports.off(message.off) });
  })();
});
// Nothing of it is kept alive by what it waits for.
setInterval(() => {}, 1_000_000);
process.send?.('ready');
