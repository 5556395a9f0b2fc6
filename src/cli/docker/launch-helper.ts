import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import * as v from 'valibot';
import { helperSockets } from '#docker/helper-socket.ts';
import { KubeFlagsSchema, type KubeFlags } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { logFiles } from '../daemon/log-files.ts';
import { makePrivateDirectory } from '../daemon/private-directory.ts';
import { CliError } from '../errors.ts';
import type { DockerNames } from './names.ts';

/** The log of every helper, among the other logs. */
export const helperLog = 'docker-helper.log';

/** What the user says of the network that the daemon is in. */
export interface SandboxWishes {
  /** As docker's `-p` takes them. */
  readonly exposedPorts: readonly string[];
  /** Empty: Docker's own choice. */
  readonly hostname: string;
}

interface Options {
  readonly names: DockerNames;
  readonly sandbox: SandboxWishes;
  /** Subnets that Docker's network must not overlap with. */
  readonly avoid: readonly string[];
  readonly image: string;
  readonly kube: KubeFlags;
  readonly level: string;
}

const saidShape = v.variant('kind', [
  v.object({ kind: v.literal('ready') }),
  v.object({ kind: v.literal('failed'), message: v.string(), hint: v.optional(v.string()) }),
]);

/** Starts the helper of a connection, which starts its containers; returns once the daemon is there. */
export async function launchHelper(context: CliContext, options: Options): Promise<void> {
  const { places, signal } = context;
  const owner = { uid: context.uid, platform: places.platform };
  await makePrivateDirectory(places.runtimeDir, owner);
  const { directory } = helperSockets(places.runtimeDir, places.platform);
  if (places.platform !== 'win32') await makePrivateDirectory(directory, owner);
  await mkdir(places.logDir, { recursive: true, mode: 0o700 });
  const path = join(places.logDir, helperLog);
  await using log = await open(path, 'a', 0o600);
  signal.throwIfAborted();
  const child = start(context, options, { path, fd: log.fd });
  // Ended by a signal it takes back what it has begun.
  const giveUp = (): void => void child.kill();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    child.stdin?.on('error', () => {});
    child.stdin?.end(toBinary(KubeFlagsSchema, options.kube));
    await readiness(child, path);
  } catch (error) {
    // It ended because it was told to.
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
    child.removeAllListeners();
    if (child.connected) child.disconnect();
    child.unref();
  }
  signal.throwIfAborted();
}

function start(
  context: CliContext,
  { names, sandbox, avoid, image, level }: Options,
  log: { readonly path: string; readonly fd: number },
): ChildProcess {
  const { places, programs, env, cwd } = context;
  const values = {
    connection: names.connection,
    sandbox: names.sandbox,
    hostname: sandbox.hostname,
    daemon: names.daemon,
    image,
    'runtime-dir': places.runtimeDir,
    directory: cwd,
    log: log.path,
    'log-files': String(logFiles(env)),
    'log-level': level,
  };
  return spawn(
    programs.node,
    [
      '--max-semi-space-size=1',
      programs.dockerHelper,
      ...Object.entries(values).map(([name, value]) => `--${name}=${value}`),
      ...sandbox.exposedPorts.map((port) => `--expose=${port}`),
      ...avoid.map((subnet) => `--avoid=${subnet}`),
    ],
    {
      detached: true,
      stdio: ['pipe', log.fd, log.fd, 'ipc'],
      cwd: '/',
      // Credential plugins are this shell's, and so is the docker command.
      env,
    },
  );
}

/** Its own deadlines are shorter than anybody's patience; what it says is for people. */
async function readiness(child: ChildProcess, log: string): Promise<void> {
  const said = Promise.withResolvers<undefined>();
  child.on('message', (message) => {
    const parsed = v.safeParse(saidShape, message);
    if (!parsed.success) return;
    if (parsed.output.kind === 'ready') said.resolve(undefined);
    else {
      const { message: words, hint = `its log: ${log}` } = parsed.output;
      said.reject(new CliError('Daemon', words, { hint }));
    }
  });
  child.once('error', said.reject);
  child.once('exit', (code, killed) => {
    const how = killed ?? `exit code ${String(code)}`;
    said.reject(
      new CliError('Daemon', `the helper of the connection ended at once (${how})`, {
        hint: `its log: ${log}`,
      }),
    );
  });
  await said.promise;
}
