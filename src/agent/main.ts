import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';

import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLevelSwitch, createLogger, type LevelSwitch, type Logger } from '#base/log.ts';
import { version } from '#base/version.ts';
import { openLibc } from '#host/libc.ts';
import { createReadOriginalDestination } from '#host/original-destination.ts';
import { agentTokenPath, type AgentConfig } from '#protocol/agent-config.ts';

import { startAgent, type TakeMode } from './agent.ts';
import { parseAgentStart, type AgentStart } from './config.ts';
import { nodeAddresses } from './probe/node-addresses.ts';
import { createKnocker, openKnockSender } from './take/knock.ts';

/** The agent's program: runs until it gets SIGTERM, which a native sidecar gets after its app. */
const write = (line: string): void => void process.stdout.write(line);
const logAt = (level: AgentConfig['logLevel'] | LevelSwitch): Logger =>
  createLogger({ clock: systemClock, write }, { level, fields: { program: 'agent' } });

/** The native library is loaded only where redirected connections have to be asked for their port. */
async function takeMode(take: AgentConfig['take'], stack: AsyncDisposableStack): Promise<TakeMode> {
  if (take === 'rename') return { kind: 'rename' };
  const { send } = stack.use(await openKnockSender());
  const ports = stack.use(createKnocker({ clock: systemClock, send }));
  const readOriginalDestination = createReadOriginalDestination({ libc: openLibc() });
  return { kind: 'redirect', ports, readOriginalDestination };
}

/** Where probes come from; a renamed port's never come to the agent. */
async function probers({ config, hostIps }: AgentStart): Promise<ReadonlySet<string>> {
  if (config.take === 'rename') return new Set();
  // Without it the node's own address is still known.
  const read = (path: string): Promise<string> => readFile(path, 'latin1').catch(() => '');
  const [routeTable, routeTableV6] = await Promise.all(
    ['/proc/net/route', '/proc/net/ipv6_route'].map(read),
  );
  return nodeAddresses({ hostIps, routeTable, routeTableV6 });
}

/** Of one family: a manager with two addresses is still one. */
async function managerAddresses(host: string): Promise<readonly string[]> {
  const all = await lookup(host, { all: true });
  return all.filter((one) => one.family === all[0]?.family).map(({ address }) => address);
}

async function main(): Promise<void> {
  const stopped = Promise.withResolvers<string>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stopped.resolve);
  const start = parseAgentStart(process.env);
  const { config, podIps } = start;
  const level = createLevelSwitch({ clock: systemClock }, config.logLevel);
  const log = logAt(level);
  await using stack = new AsyncDisposableStack();
  const take = await takeMode(config.take, stack);
  const readToken = (): Promise<string> => readFile(agentTokenPath, 'utf8');
  const { env } = process;
  const probesFrom = await probers(start);
  const deps = {
    log,
    level,
    clock: systemClock,
    random: Math.random,
    readToken,
    lookup: managerAddresses,
    env,
    take,
    nodeAddresses: probesFrom,
  };
  stack.use(await startAgent(deps, { config, podIps, version }));
  log.info('agent ready', {
    version,
    take: config.take,
    pod: podIps.join(' '),
    node: [...probesFrom].join(' '),
  });
  log.info('agent stopping', { signal: await stopped.promise });
}

try {
  await main();
  process.exit(0);
} catch (error) {
  logAt('error').error('agent failed', { reason: describe(error) });
  process.exit(1);
}
