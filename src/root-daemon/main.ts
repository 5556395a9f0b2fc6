import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';

import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLevelSwitch, createLogger, logLevel } from '#base/log.ts';
import { openBridgeEnd } from '#host/bridge-end.ts';
import { readBridges } from '#host/bridges.ts';
import { forgetDnsFlows } from '#host/conntrack.ts';
import { readKubeProxyAddresses } from '#host/kube-proxy.ts';
import { openLibc } from '#host/libc.ts';
import { openLogFile } from '#host/log-file.ts';
import { openRuleTable } from '#host/nft.ts';
import { createReadPeerCredentials } from '#host/peer-credentials.ts';
import { createResolved } from '#host/resolved.ts';
import { readMachineRoutes } from '#host/routes.ts';
import { runTool } from '#host/run-tool.ts';
import { openTun } from '#host/tun.ts';
import { listenOnUnixSocket, type AsOwner } from '#host/unix-listener.ts';
import { nameOfUser } from '#host/user-names.ts';

import { deviceName, exemptGroup } from '#protocol/gate.ts';

import { createHold } from './api/hold.ts';
import { createApiServer } from './api/server.ts';
import { foreignRoutes, rootDaemonRoutes } from './api/service.ts';
import { findFirewallRule } from './bridges/firewall-rule.ts';
import { tryBridge } from './bridges/try-bridge.ts';
import { createMachine } from './machine.ts';
import { readMachineResolver } from './resolver/machine-resolver.ts';
import { startNameService } from './resolver/name-service.ts';

const clock = systemClock;
const tableName = 'telepresence';
const complain = (reason: string): never => {
  process.stderr.write(`root-daemon: error: ${reason}\n`);
  process.exit(2);
};
const { socket, uid, logPath, logFiles, firstLevel } = readArguments();
// In the user's own directory: opened with the user's rights, so that no link leads elsewhere.
const logFile =
  logPath === undefined
    ? undefined
    : openLogFile({ asOwner: asOwner() }, { path: logPath, files: logFiles });
const level = createLevelSwitch({ clock }, firstLevel);
const log = createLogger(
  { clock, write: (line) => void (logFile ?? process.stderr).write(line) },
  { level, fields: { program: 'root-daemon' } },
);

// Our own DNS queries are known by this group, or we would answer ourselves.
process.setegid?.(exemptGroup);
process.umask(0o077);

const libc = openLibc();
const tools = { libc, runTool };
const resolved = createResolved({ runTool, clock });
const readText = (path: string): Promise<string> => readFile(path, 'utf8');
const readPeerCredentials = createReadPeerCredentials({ libc });
const machine = createMachine({
  clock,
  log,
  openTable: (signal) => openRuleTable({ directory: tmpdir() }, { name: tableName, signal }),
  openTun: (signal) => openTun(tools, { name: deviceName, ownerUid: uid, signal }),
  startNames: (desired, signal) =>
    startNameService({ clock, log, readPeerCredentials }, desired, {
      ownerUid: uid,
      signal,
    }),
  resolved,
  readResolver: (signal) => readMachineResolver({ resolved, readFile: readText }, signal),
  readRoutes: (signal) => readMachineRoutes(tools, signal),
  readKubeProxy: (signal) => readKubeProxyAddresses(tools, signal),
  readBridges: (signal) => readBridges(tools, signal),
  forgetDnsFlows: (signal) => forgetDnsFlows(tools, signal),
});

const tryOne = {
  clock,
  randomInt: (below: number) => randomInt(below),
  openEnd: (bridge: string, signal: AbortSignal) => openBridgeEnd(tools, bridge, signal),
  findRule: (bridge: string, signal: AbortSignal) =>
    findFirewallRule(
      { runTool, readLegacyTables: () => readText('/proc/net/ip_tables_names').catch(() => '') },
      { bridge, ownTable: tableName },
      signal,
    ),
};

const ended = Promise.withResolvers<string>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => ended.resolve(signal));
}
const api = createApiServer(
  {
    readPeerCredentials,
    routes: rootDaemonRoutes({
      machine,
      hold: createHold({ machine, log }),
      executable: process.argv[1] ?? '',
      level,
      tryBridge: async (device, signal) => {
        const { state } = machine;
        if (state === undefined) return { kind: 'unknown' };
        return await tryBridge(tryOne, state, device, signal);
      },
      quit: () => ended.resolve('quit'),
    }),
    foreignRoutes: foreignRoutes(nameOfUser(await readFile('/etc/passwd', 'utf8'), uid)),
  },
  { ownerUid: uid },
);
try {
  await listenOnUnixSocket(
    { server: api.server, asOwner: asOwner() },
    { path: socket, signal: AbortSignal.timeout(5000) },
  );
  log.info('listening', { socket, uid, pid: process.pid });
  log.info('ending', { why: await ended.promise });
} catch (error) {
  log.error('cannot run', { reason: describe(error) });
  process.exitCode = 1;
}
await machine.release();
await api[Symbol.asyncDispose]();
log.info('ended');

/** `--socket PATH --uid OWNER [--log FILE] …`; without a file its log goes to standard error. */
function readArguments() {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { socket: text, uid: text, log: text, 'log-files': text, 'log-level': text },
  });
  const owner = Number(values.uid);
  if (values.socket === undefined || values.uid === undefined || !Number.isInteger(owner)) {
    return complain('usage: root-daemon --socket PATH --uid OWNER');
  }
  return {
    socket: values.socket,
    uid: owner,
    logPath: values.log,
    logFiles: Number(values['log-files'] ?? 5),
    firstLevel: logLevel(values['log-level'] ?? '') ?? 'info',
  };
}

/** The owner's rights for the length of one call; files made in it are private. */
function asOwner(): AsOwner {
  return (run) => {
    const mask = process.umask(0o177);
    process.seteuid?.(uid);
    try {
      return run();
    } finally {
      process.seteuid?.(0);
      process.umask(mask);
    }
  };
}
