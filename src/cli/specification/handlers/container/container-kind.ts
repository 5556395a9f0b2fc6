import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { laptopId } from '#docker/ours.ts';
import type { ContainerHandler } from '#spec/handler-spec.ts';
import { docked, openDocker } from '../../../docker/docker-failure.ts';
import { lastValue } from '../../../handler/docker-words.ts';
import { freeName } from '../../../handler/free-name.ts';
import { readRunOptions } from '../../../handler/handler.ts';
import { allKept, sortNetworkOptions } from '../../../handler/option-rules.ts';
import { placeOf, type DaemonPlace } from '../../../handler/place.ts';
import { prepareContainer, type PreparedContainer } from '../../../handler/prepare-container.ts';
import { startingWords, volumesRoot } from '../../../handler/starting-words.ts';
import type { MountAsked } from '../../../parse/mount.ts';
import { CliError } from '../../../errors.ts';
import { containerMount } from '../../container-mount.ts';
import type { HandlerContext, HandlerKind, IntendedIntercept } from '../handler-kind.ts';
import { runInForeground } from './foreground.ts';
import { optionWords, readRunWords } from './run-words.ts';

/** What is said of this command to the user. */
const command = 'intercept run';
const said = {
  imageHint: 'docker images shows those that there are; docker.image of the handler names one',
  ports: 'docker.ports or docker.options',
};

/** A container `tp-NAME` of an image, or of one that is built for this run. */
export const containerKind: HandlerKind<ContainerHandler> = {
  async prepare(handler, context) {
    const prepared = await prepare(handler, context);
    const { cli, name, directory, environment, output, traces } = context;
    return {
      mountOf: (intercept) => servedMount(intercept, prepared),
      async start(served) {
        const infos = served.map(({ info }) => info);
        for (const info of infos) {
          const root = volumesRoot(prepared, info);
          if (root !== undefined) info.environment['TELEPRESENCE_ROOT'] = root;
        }
        const { usedVolumes } = traces;
        const words = await startingWords(cli, prepared, {
          served: infos,
          environment,
          usedVolumes,
        });
        const { docker, watcher, name: container } = prepared;
        const deps = { docker, output, watcher };
        return await runInForeground(cli, deps, { name, container, directory, words });
      },
      // By its label all of it goes with the run.
      [Symbol.asyncDispose]: async () => await Promise.resolve(),
    };
  },
};

async function prepare(
  handler: ContainerHandler,
  context: HandlerContext,
): Promise<PreparedContainer> {
  const { cli, directory, traces, intercepts, connections } = context;
  const docker = await openDocker(cli);
  const words = readRunWords(handler, await readRunOptions(cli, docker));
  const connection = intercepts[0]?.connection ?? connections[0];
  const inDocker = connection?.inDocker;
  if (inDocker === undefined && intercepts.length > 0) {
    throw new CliError('Failed', `handler ${handler.name} needs a connection in a container`, {
      hint: 'end the one of this machine itself, then run it again: telepresence quit',
    });
  }
  const place: DaemonPlace = inDocker === undefined ? { kind: 'host' } : placeOf(inDocker);
  const sorted = place.kind === 'host' ? allKept(words) : sortNetworkOptions(words, place);
  for (const note of sorted.notes) context.cli.warn(`telepresence ${command}: warning: ${note}`);
  const { signal, uid, places } = cli;
  const laptop = laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
  const name = lastValue(words, 'name') ?? `tp-${handler.name}`;
  const rename = 'call the handler otherwise, or write options: [--name=NAME]';
  await docked(async () => await freeName({ docker }, { name, laptop, signal, rename }));
  await mkdir(traces.directory, { recursive: true, mode: 0o700 });
  const { source } = handler;
  const build =
    source.kind === 'image'
      ? undefined
      : { context: source.context, options: source.args.flatMap(optionWords) };
  // The plan has seen to it that they are below one directory; each is read-only or not by itself.
  const mount = intercepts.map(containerMount).find((one) => one !== undefined);
  const volumes = mount && { readOnly: mount.readOnly, root: mount.path === '' ? '/' : mount.path };
  // What its words and its Dockerfile name lies beside the specification.
  const beside = { ...cli, cwd: directory };
  const wanted = { place, name, words, sorted, build, laptop, inDocker, volumes, traces };
  const plain = { command, besideHost: undefined, forDebugger: false, said };
  return await prepareContainer(beside, { docker }, { ...wanted, ...plain });
}

function servedMount(
  intercept: IntendedIntercept,
  { volumes }: PreparedContainer,
): MountAsked | undefined {
  const wanted = containerMount(intercept);
  if (wanted === undefined || volumes === undefined) return undefined;
  return { path: '', readOnly: wanted.readOnly, serveOn: volumes.serveOn };
}
