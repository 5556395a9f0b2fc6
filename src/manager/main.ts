import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import {
  createLevelSwitch,
  createLogger,
  type LevelSwitch,
  type Logger,
  type LogLevel,
} from '#base/log.ts';
import { version } from '#base/version.ts';
import {
  managerConfigVariable,
  managerPodVariable,
  parseManagerConfig,
} from '#install/manager-config.ts';
import { createKubeClient } from '#kube/client.ts';
import { inClusterAccess } from '#kube/in-cluster.ts';
import { clusterDns } from './controller/dns-lookup.ts';
import { runManager } from './run-manager.ts';
import { readRelaySettings, runRelay } from './run-relay.ts';

/** The cluster's program: the controller, or (with the argument `relay`) the relay beside it. */
const write = (line: string): void => void process.stdout.write(line);
const logAt = (level: LogLevel | LevelSwitch, program: string): Logger =>
  createLogger({ clock: systemClock, write }, { level, fields: { program } });

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => stop.abort(new Error(signal)));
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map((one) => one.address.replace(/%.*$/, '')),
  );
}

async function manager(): Promise<void> {
  const config = parseManagerConfig(process.env[managerConfigVariable]);
  const level = createLevelSwitch({ clock: systemClock }, config.logLevel);
  const log = logAt(level, 'manager');
  const access = await inClusterAccess({ clock: systemClock }, { env: process.env });
  await using client = createKubeClient({
    access,
    clock: systemClock,
    userAgent: `telepresence-manager/${version}`,
  });
  const [script] = process.argv.slice(1);
  if (script === undefined) throw new Error('started without a script');
  await runManager(
    { client, clock: systemClock, random: Math.random, log, level },
    {
      config,
      dns: clusterDns(await readFile('/etc/resolv.conf', 'utf8')),
      own: { pod: process.env[managerPodVariable] ?? hostname(), start: randomUUID() },
      folder: process.env['TELEPRESENCE_RUN'] ?? '/run/telepresence',
      ownAddresses: ownAddresses(),
      // Buffers on their way must not wait for a full collection: a third less memory under bulk.
      relayCommand: [
        process.execPath,
        '--max-semi-space-size=1',
        ...process.execArgv,
        script,
        'relay',
      ],
      signal: stop.signal,
    },
  );
}

async function relay(): Promise<void> {
  const settings = await readRelaySettings(process.stdin);
  // Its end means that the controller is gone.
  const gone = new AbortController();
  process.stdin.on('end', () => gone.abort(new Error('the controller is gone')));
  const level = createLevelSwitch({ clock: systemClock }, settings.logLevel);
  const log = logAt(level, 'relay');
  await runRelay({ clock: systemClock, log, level }, settings, stop.signal, gone.signal);
}

const program = process.argv[2] === 'relay' ? 'relay' : 'manager';
try {
  await (program === 'relay' ? relay() : manager());
  process.exit(0);
} catch (error) {
  if (stop.signal.aborted) process.exit(0);
  logAt('error', program).error(`${program} failed`, { reason: describe(error) });
  process.exit(1);
}
