import { createHash, randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { homedir, hostname, networkInterfaces, userInfo } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { fromBinary } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { createLogger, logLevel } from '#base/log.ts';
import { openDockerCommand } from '#docker/command.ts';
import { DockerError } from '#docker/errors.ts';
import { helperSockets } from '#docker/helper-socket.ts';
import { laptopId } from '#docker/ours.ts';
import { openOwnLog } from '#host/log-file.ts';
import { readMachineRoutes } from '#host/routes.ts';
import { runTool } from '#host/run-tool.ts';
import { isKubeError } from '#kube/errors.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { KubeFlagsSchema } from '#protocol/gen/telepresence_pb.ts';
import { serveHelper, type Description } from './api.ts';
import { openDockerConnection } from './connection.ts';
import { HelperError } from './errors.ts';
import { reached } from './free-subnets.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    connection: text,
    sandbox: text,
    daemon: text,
    image: text,
    'runtime-dir': text,
    directory: text,
    log: text,
    'log-files': text,
    'log-level': text,
    hostname: text,
    expose: { type: 'string', multiple: true },
    // Subnets that are the cluster's.
    avoid: { type: 'string', multiple: true },
  },
});

/** Longer than an orderly end takes; then the process ends whatever hangs. */
const endMs = 90_000;

function needed(
  name: 'connection' | 'daemon' | 'directory' | 'image' | 'runtime-dir' | 'sandbox',
): string {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is needed`);
  return value;
}

async function main(): Promise<void> {
  process.umask(0o077);
  const clock = systemClock;
  const connection = needed('connection');
  const runtimeDir = needed('runtime-dir');
  const sockets = helperSockets(runtimeDir, process.platform);
  const level = logLevel(values['log-level'] ?? '') ?? 'info';
  const write = openOwnLog({ path: values.log, files: values['log-files'] }, process.stderr);
  const log = createLogger(
    { clock, write },
    { level, fields: { program: 'docker-helper', connection } },
  );
  // They may hold a token, and arguments are for everybody to read.
  const flags = fromBinary(KubeFlagsSchema, await buffer(process.stdin));
  const { env } = process;
  const directory = needed('directory');
  const access = await loadClusterAccess(
    { clock },
    {
      flags: kubeFlagsOf(flags, directory),
      env,
      home: env['HOME'] ?? homedir(),
      workingFolder: directory,
    },
  );
  const docker = await openDockerCommand({ env, platform: process.platform });
  const interrupted = new AbortController();
  const end = Promise.withResolvers<string>();
  const gone = Promise.withResolvers<void>();
  gone.promise.catch(() => {});
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted.abort(new Error(`ended by ${signal}`));
      end.resolve(signal);
    });
  }
  let isEnding = false;
  const described = Promise.withResolvers<Description>();
  described.promise.catch(() => {});
  await using _api = await serveHelper(
    {
      described: async () => {
        if (!isEnding) return await described.promise;
        await gone.promise;
        throw new HelperError('Lost', 'the connection has ended');
      },
      quit: async () => {
        interrupted.abort(new Error('asked to end'));
        end.resolve('asked to');
        await gone.promise;
      },
    },
    { path: sockets.pathOf(connection), signal: AbortSignal.timeout(5000) },
  );
  const uid = process.getuid?.() ?? 0;
  const laptop = laptopId({ hostname: hostname(), uid, runtimeDir });
  const made = openDockerConnection(
    {
      clock,
      log,
      docker,
      access,
      laptopSubnets: async (leftOut, asking) => {
        // Where there is no such command, the networks that it is in are all that is known.
        const { routes } = await readMachineRoutes({ runTool }, asking).catch(() => ({
          routes: [],
        }));
        return reached({ interfaces: networkInterfaces(), routes }, leftOut);
      },
      isAlive: async (each) => await answers(sockets.pathOf(each)),
      pid: process.pid,
      logDirectory: values.log === undefined ? undefined : dirname(values.log),
    },
    {
      connection,
      laptop,
      image: needed('image'),
      sandbox: needed('sandbox'),
      daemon: needed('daemon'),
      hostname: values.hostname ?? '',
      exposedPorts: values.expose ?? [],
      avoid: values.avoid ?? [],
      client: `${userInfo().username}@${hostname()}`,
      installId: uuidOf(`${laptop} ${connection}`),
      token: randomBytes(32).toString('hex'),
      signal: interrupted.signal,
    },
  );
  try {
    const open = await made;
    described.resolve(open.description);
    process.send?.({ kind: 'ready' });
    process.disconnect?.();
    log.info('connection in a container', { pid: process.pid });
    const reason = await Promise.race([end.promise, open.lost]);
    log.info('ending', { reason });
    clock.after(endMs, () => process.exit(1));
    isEnding = true;
    await open.end().catch((error: unknown) => {
      gone.reject(error);
      throw error;
    });
    gone.resolve();
  } catch (error) {
    described.reject(error);
    // Whoever asked for the end has it.
    gone.resolve();
    throw error;
  }
}

/** Whether somebody listens there. */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(path);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const listening = await promise;
  socket.destroy();
  return listening;
}

/** The same for the same text: what this connection left in the cluster is known for its own. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
  ];
  return [...parts, hex.slice(20, 32)].join('-');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const hint = error instanceof DockerError || isKubeError(error) ? error.hint : undefined;
    const told = error instanceof DockerError || isKubeError(error);
    const message = told ? error.message : describe(error);
    process.stderr.write(`docker-helper: error: ${describe(error)}\n`);
    if (process.send === undefined || !process.connected) process.exit(1);
    process.send({ kind: 'failed', message, hint }, () => process.exit(1));
  },
);
