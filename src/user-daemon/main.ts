import { randomInt, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  availableParallelism,
  homedir,
  hostname,
  loadavg,
  networkInterfaces,
  tmpdir,
  userInfo,
} from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLevelSwitch, createLogger, logLevel } from '#base/log.ts';
import { version } from '#base/version.ts';
import { openDockerCommand } from '#docker/command.ts';
import { readBridgeNetworks } from '#docker/bridge-networks.ts';
import { readBridges } from '#host/bridges.ts';
import { openLibc } from '#host/libc.ts';
import { openOwnLog } from '#host/log-file.ts';
import { createSshfsMounts } from '#host/mounts/sshfs.ts';
import { createReadOriginalDestination } from '#host/original-destination.ts';
import { createReadPeerCredentials } from '#host/peer-credentials.ts';
import { followLinks } from '#host/link-events.ts';
import { runTool } from '#host/run-tool.ts';
import { createLimitUnsent } from '#host/unsent-limit.ts';
import { canOpenTun, createOpenTunQueue } from '#host/tun-queue.ts';
import { serveApi } from './api/api-server.ts';
import { userDaemonRoutes } from './api/user-daemon-service.ts';
import { followContainerBridges } from './bridges/container-bridges.ts';
import { serveGuarded } from './helper/guarded-port.ts';
import { createHelperLink } from './helper/laptop-helper.ts';
import { openMountMemory } from './mounts/left-over.ts';
import { createConnector } from './session/connector.ts';
import { installId } from './session/install-id.ts';
import { createRootDaemonClient } from './session/machine.ts';

const { values } = parseArgs({
  options: {
    socket: { type: 'string' },
    'root-socket': { type: 'string' },
    'state-dir': { type: 'string' },
    executable: { type: 'string' },
    log: { type: 'string' },
    'log-files': { type: 'string' },
    'log-level': { type: 'string' },
    // In a container: where the laptop calls, with whose token, and for whom.
    listen: { type: 'string' },
    'token-file': { type: 'string' },
    client: { type: 'string' },
    'install-id': { type: 'string' },
  },
});

/** Longer than any orderly end takes; then the process ends whatever hangs. */
const endMs = 15_000;

async function main(): Promise<void> {
  const { socket, 'root-socket': rootSocket, 'state-dir': stateDir, executable } = values;
  if (socket === undefined || rootSocket === undefined || stateDir === undefined) {
    throw new Error('--socket, --root-socket and --state-dir are needed');
  }
  // What this process makes is this user's alone.
  process.umask(0o077);
  const clock = systemClock;
  const level = createLevelSwitch(
    { clock },
    logLevel(process.env['TELEPRESENCE_LOG_LEVEL'] ?? values['log-level'] ?? '') ?? 'info',
  );
  const write = openOwnLog({ path: values.log, files: values['log-files'] }, process.stderr);
  const log = createLogger({ clock, write }, { level });
  // For tests: an hour is long.
  const renewSeconds = Number(process.env['TELEPRESENCE_RENEW_SECONDS'] ?? 0);
  const libc = openLibc();
  const id =
    values['install-id'] ?? (await installId({ randomUuid: () => randomUUID() }, stateDir));
  const mounts = createSshfsMounts({ clock });
  const mountMemory = await openMountMemory({ log, mounts, stateDir });
  const quit = Promise.withResolvers<string>();
  const { listen, 'token-file': tokenFile } = values;
  const guarded =
    listen === undefined || tokenFile === undefined
      ? undefined
      : { ...hostPort(listen), token: (await readFile(tokenFile, 'utf8')).trim() };
  await using helper =
    guarded &&
    createHelperLink({
      clock,
      log,
      randomUuid: () => randomUUID(),
      onAlone: () => quit.resolve('the helper on the laptop is gone'),
    });

  const bridgesHere = {
    followLinks,
    readBridges: (signal: AbortSignal) => readBridges({ runTool }, signal),
    readNetworks: async (signal: AbortSignal) => {
      const docker = await openDockerCommand({ env: process.env, platform: process.platform });
      return await readBridgeNetworks({ docker }, signal);
    },
  };
  await using connector = createConnector({
    clock,
    random: Math.random,
    randomInt: (below) => randomInt(below),
    log,
    readOriginalDestination: createReadOriginalDestination({ libc }),
    tuneSocket: createLimitUnsent({ libc, log }),
    ...(renewSeconds > 0 ? { renewEveryMs: renewSeconds * 1000 } : {}),
    openTunQueue: createOpenTunQueue({ libc }),
    canReadDevice: canOpenTun(),
    createRootDaemonClient,
    userAgent: `telepresence/v${version}`,
    home: homedir(),
    client: values.client ?? `${userInfo().username}@${hostname()}`,
    installId: id,
    answerSocket: join(dirname(socket), 'names.sock'),
    stateDir,
    ...(helper === undefined ? {} : { lender: helper, containerSubnets }),
    temporaryDirectory: tmpdir(),
    mounts,
    mountMemory,
    ...(helper === undefined && {
      followBridges: (onBridges) =>
        followContainerBridges({ clock, log, ...bridgesHere }, onBridges),
    }),
    loadPerCpu: () => (loadavg()[0] ?? 0) / availableParallelism(),
  });
  const routes = userDaemonRoutes({
    clock,
    connector,
    version,
    executable: executable ?? process.execPath,
    installId: id,
    rootDaemon: createRootDaemonClient(rootSocket),
    quit: () => quit.resolve('asked to'),
    level,
  });
  await using _api = await serveApi(
    { log, readPeerCredentials: createReadPeerCredentials({ libc }), routes },
    { path: socket, uid: process.getuid?.() ?? 0 },
  );
  await using _port =
    guarded &&
    (await serveGuarded(
      { log, routes, onErrand: (errand, one) => helper?.take(errand, one) },
      guarded,
    ));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => quit.resolve(signal));
  }
  // Whoever started us waits for this word.
  process.send?.('ready');
  process.disconnect?.();
  log.info('user daemon runs', { version, pid: process.pid });
  const reason = await quit.promise;
  log.info('user daemon ends', { reason });
  clock.after(endMs, () => process.exit(1));
  // While the helper still has a way in: its connections are how the cluster hears of it.
  if (guarded !== undefined) await connector.disconnect();
}

/** Docker calls them eth0 and so on; our own device is called otherwise. */
function containerSubnets(): string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all]) =>
    name.startsWith('eth') ? (all ?? []).flatMap(({ cidr }) => cidr ?? []) : [],
  );
}

/** `0.0.0.0:58802` */
function hostPort(text: string): { readonly host: string; readonly port: number } {
  const [host = '', port] = text.split(':');
  return { host, port: Number(port) };
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`user-daemon: error: ${describe(error)}\n`);
    process.exit(1);
  },
);
