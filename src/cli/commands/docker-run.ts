import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describe } from '#base/errors.ts';
import { laptopId } from '#docker/ours.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { findDaemon } from '../daemon/session.ts';
import { docked, dockerFailure, openDocker } from '../docker/docker-failure.ts';
import { CliError } from '../errors.ts';
import { beginRun } from '../handler/begin-run.ts';
import { dockerOptionWords, isOn, lastValue, parseDockerWords } from '../handler/docker-words.ts';
import { readRunOptions } from '../handler/handler.ts';
import { labelsOf, placeOf, type ContainerPlace } from '../handler/place.ts';
import { sortNetworkOptions } from '../handler/option-rules.ts';
import { publishPorts, unpublishPorts } from '../handler/publish-ports.ts';
import { runContainer } from '../handler/run-container.ts';
import type { RunCommand } from './command-spec.ts';

const removeMs = 30_000;

/** `telepresence docker-run [FLAGS OF docker run] IMAGE [ARGS]` */
export const runDockerRun: RunCommand = async (context, line) => {
  const docker = await openDocker(context);
  const words = parseDockerWords(line.command ?? [], await readRunOptions(context, docker));
  const place = placeOf(await connectionInDocker(context, 'docker run'));
  const { kept, published, notes } = sortNetworkOptions(words, place);
  for (const note of notes) context.warn(`telepresence docker-run: warning: ${note}`);
  const args = [...dockerOptionWords(kept), words.image, ...words.args];
  return await runInNetwork(context, docker, {
    command: 'docker-run',
    place,
    args,
    published,
    name: lastValue(words, 'name'),
    isDetached: isOn(words, 'detach'),
  });
};

/** `telepresence curl [FLAGS OF curl] URL` */
export const runCurl: RunCommand = async (context, line) => {
  const words = line.command ?? [];
  if (words.length === 0) throw new CliError('Usage', 'the URL is missing');
  const docker = await openDocker(context);
  const place = placeOf(await connectionInDocker(context, 'curl'));
  const { signal, cwd, uid } = context;
  const asked = ['inspect', '--format', '{{.Config.Image}}', place.network];
  const { stdout } = await docked(async () => await docker.run(asked, { signal }));
  const user = process.getuid === undefined ? [] : [`--user=${String(uid)}`];
  // What it reads and writes are files of this folder.
  const folder = [`--mount=type=bind,source=${cwd},target=/here`, '--workdir=/here'];
  const curl = ['--interactive', ...user, ...folder, '--entrypoint=curl', stdout.trim()];
  const args = [...curl, ...words];
  return await runInNetwork(context, docker, { command: 'curl', place, args });
};

/** Runs a container to its end in the network of a connection, which removes it with itself too. */
async function runInNetwork(
  context: CliContext,
  docker: DockerCommand,
  run: {
    readonly command: string;
    readonly place: ContainerPlace;
    readonly args: readonly string[];
    readonly published?: readonly string[];
    readonly name?: string | undefined;
    readonly isDetached?: boolean;
  },
): Promise<number> {
  const { command, place, published = [], isDetached = false } = run;
  const { places, signal, uid } = context;
  const id = randomUUID();
  const laptop = laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
  const labels = labelsOf({ id, laptop, place, isDetached });
  const name = run.name ?? `${command}-${id.slice(0, 8)}`;
  const named = run.name === undefined ? [`--name=${name}`] : [];
  await using undo = new AsyncDisposableStack();
  const removed = isDetached ? [] : ['--rm'];
  const args = ['run', `--network=container:${place.network}`, ...removed, ...named];
  // What runs on in the background is nobody's to wait for.
  const watcher = isDetached
    ? undefined
    : (await beginRun(context, { docker, id, name, command }, undo)).watcher;
  let isLeftRunning = false;
  if (published.length > 0) {
    undo.defer(async () => {
      if (isDetached && !isLeftRunning) await takePortsBack(context, docker, { id, name, command });
    });
    await docked(async () => {
      await publishPorts({ docker }, { id, published, place, labels, laptop, name, signal });
    });
  }
  const marks = labels.map((label) => `--label=${label}`);
  const running = runContainer(
    context,
    { docker },
    {
      args: [...args, ...marks, ...run.args],
      container: name,
      env: {},
      watcher,
    },
  );
  const status = await running.ended;
  isLeftRunning = status === 0;
  return status;
}

async function takePortsBack(
  context: CliContext,
  docker: DockerCommand,
  { id, name, command }: { readonly id: string; readonly name: string; readonly command: string },
): Promise<void> {
  try {
    await unpublishPorts({ docker }, { id, signal: AbortSignal.timeout(removeMs) });
  } catch (error) {
    const why = describe(dockerFailure(error));
    context.warn(`telepresence ${command}: warning: ${name}-ports may be left: ${why}`);
  }
}

async function connectionInDocker(context: CliContext, what: string): Promise<DescribeResponse> {
  const found = await findDaemon(context);
  if (found?.inDocker !== undefined) return found.inDocker;
  if (found === undefined) {
    throw new CliError('Failed', 'not connected to a cluster', {
      hint: 'connect first: telepresence connect --docker',
    });
  }
  throw new CliError('Failed', 'the daemon runs on this machine itself, and not in a container', {
    hint:
      what === 'curl'
        ? 'curl itself reaches the cluster from here, without telepresence before it'
        : 'programs of this machine reach the cluster; for containers: telepresence quit -s, telepresence connect --docker',
  });
}
