import type { Attachment } from '#compose/attachments.ts';
import { commandFailure } from '#docker/command-failure.ts';
import type { DockerCommand } from '#docker/command.ts';
import { CliError } from '../errors.ts';
import type { HandlerContext } from '../specification/handlers/handler-kind.ts';
import { takeBack } from './take-back.ts';

interface Deps extends Pick<HandlerContext, 'journal' | 'output' | 'traces'> {
  readonly docker: DockerCommand;
  /** Whether Docker can be told which network of a container is the first. */
  readonly ordersNetworks: boolean;
}

/**
 * Has the daemon's container join the networks that handlers were in; disposing `undo` has it leave them,
 * which has to be before they are removed.
 */
export async function attachNetworks(
  deps: Deps,
  undo: AsyncDisposableStack,
  attachments: readonly Attachment[],
  signal: AbortSignal,
): Promise<void> {
  for (const attachment of attachments) {
    signal.throwIfAborted();
    await attachOne(deps, undo, attachment);
  }
}

const joinMs = 30_000;
const leaveMs = 15_000;
/** Its own network has 0. */
const belowOwn = '-10';

async function attachOne(
  deps: Deps,
  undo: AsyncDisposableStack,
  { network, sandbox, aliases, address, address6 }: Attachment,
): Promise<void> {
  const { docker, journal, ordersNetworks, traces } = deps;
  const leave = ['network', 'disconnect', '--force', network, sandbox];
  const done = journal.write({
    kind: 'command',
    words: [docker.path, ...leave],
    directory: '/',
    environment: {},
  });
  let mayBeIn = true;
  undo.defer(async () => {
    if (!mayBeIn) return;
    const isOut = await takeBack(deps, `${sandbox} in the network ${network}`, async () => {
      const ending = { signal: AbortSignal.timeout(leaveMs), mayFail: true, detached: true };
      const { status, stderr } = await docker.run(leave, ending);
      return status === 0 || isGone.test(stderr);
    });
    if (isOut) done();
  });
  const args = [
    'network',
    'connect',
    ...(ordersNetworks ? [`--gw-priority=${belowOwn}`] : []),
    ...aliases.map((alias) => `--alias=${alias}`),
    ...(address === undefined ? [] : [`--ip=${address}`]),
    ...(address6 === undefined ? [] : [`--ip6=${address6}`]),
    network,
    sandbox,
  ];
  // To its end: an engine whose command was killed goes on joining, and it could not be said when.
  const joining = { signal: AbortSignal.timeout(joinMs), mayFail: true, detached: true };
  const { status, stderr } = await docker.run(args, joining).catch((error: unknown) => {
    traces.watcher.doubt();
    throw error;
  });
  if (status === 0) return;
  mayBeIn = false;
  done();
  if (/already exists in network/i.test(stderr)) throw alreadyThere(network, sandbox);
  throw commandFailure({ path: docker.path, args, status, said: stderr });
}

/** Nobody is in a network that is not there, nor one who is not. */
const isGone = /is not connected to|no such (network|container)|network \S+ not found/i;

/** Its names there could not be added, and at the end it would leave where somebody else has put it. */
function alreadyThere(network: string, sandbox: string): CliError {
  return new CliError('Failed', `the network ${network} is joined by ${sandbox} already`, {
    hint: `have it leave: docker network disconnect ${network} ${sandbox}; or end the other run that uses it`,
  });
}
