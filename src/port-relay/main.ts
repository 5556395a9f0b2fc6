import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { relayTcp } from './relay-tcp.ts';
import { relayUdp } from './relay-udp.ts';
import { parseRelayedPort } from './relayed-port.ts';

const idleMs = 60_000;

/** `port-relay HOST PORT/PROTOCOL…` */
async function main(): Promise<void> {
  const [host = '', ...ports] = process.argv.slice(2);
  for (const text of ports) {
    const relayed = parseRelayedPort(text);
    if (relayed === undefined) throw new Error(`no port: ${text}`);
    const { port, protocol } = relayed;
    const listen = { host: '0.0.0.0', port };
    const target = { host, port };
    if (protocol === 'tcp') await relayTcp(listen, target);
    else await relayUdp({ clock: systemClock }, { listen, target, idleMs });
  }
  process.stdout.write('relaying\n');
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(0));
main().catch((error: unknown) => {
  process.stderr.write(`port-relay: error: ${describe(error)}\n`);
  process.exit(1);
});
