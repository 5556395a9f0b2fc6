import type { Attachment } from '#compose/attachments.ts';
import { commandFailure } from '#docker/command-failure.ts';
import type { DockerCommand } from '#docker/command.ts';
import type { Journal } from '../specification/undo/journal.ts';
import { CliError } from '../errors.ts';

interface Deps {
  readonly docker: DockerCommand;
  readonly journal: Journal;
  /** Whether Docker can be told which network of a container is the first. */
  readonly ordersNetworks: boolean;
}

/**
 * Has the daemon's container join the networks that handlers were in; disposing has it leave them, which
 * has to be before Compose removes them.
 */
export async function attachNetworks(
  deps: Deps,
  attachments: readonly Attachment[],
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const attachment of attachments) {
    undo.use(await attachOne(deps, attachment, signal));
  }
  const owned = undo.move();
  return { [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

const leaveMs = 15_000;
/** Its own network has 0. */
const belowOwn = '-10';

async function attachOne(
  { docker, journal, ordersNetworks }: Deps,
  { network, sandbox, aliases, address, address6 }: Attachment,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const leave = ['network', 'disconnect', '--force', network, sandbox];
  const done = journal.write({
    kind: 'command',
    words: [docker.path, ...leave],
    directory: '/',
    environment: {},
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
  const { status, stderr } = await docker.run(args, { signal, mayFail: true });
  if (status !== 0) {
    done();
    if (/already exists in network/i.test(stderr)) throw alreadyThere(network, sandbox);
    throw commandFailure({ path: docker.path, args, status, said: stderr });
  }
  return {
    [Symbol.asyncDispose]: async () => {
      const ending = { signal: AbortSignal.timeout(leaveMs), mayFail: true, detached: true };
      await docker.run(leave, ending);
      done();
    },
  };
}

/** Its names there could not be added, and at the end it would leave where somebody else has put it. */
function alreadyThere(network: string, sandbox: string): CliError {
  return new CliError('Failed', `the network ${network} is joined by ${sandbox} already`, {
    hint: `have it leave: docker network disconnect ${network} ${sandbox}; or end the other run that uses it`,
  });
}
