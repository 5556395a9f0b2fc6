import { createHash } from 'node:crypto';
import type { DockerCommand } from './command.ts';

/** What all that is ours says of itself: which connection it belongs to … */
export const connectionLabel = 'telepresence.connection';
/** … and which user of which laptop: an engine may have several. */
export const laptopLabel = 'telepresence.laptop';

/** What was made for one run of a handler, which is this label's value. */
export const handlerLabel = 'telepresence.handler';

/** A container that publishes ports for another one: the run's id, whether that ends with its command or not. */
export const portsLabel = 'telepresence.ports';

/** The one network of all connections: a user-defined one, for only those have Docker's resolver. */
export const networkName = 'telepresence';

/** A container that was started for a connection. */
export interface OurContainer {
  readonly id: string;
  readonly name: string;
  readonly connection: string;
}

interface Deps {
  readonly docker: DockerCommand;
}

/** The containers of this user's connections, stopped ones too. */
export async function listOurs(
  { docker }: Deps,
  options: { readonly laptop: string; readonly signal: AbortSignal },
): Promise<readonly OurContainer[]> {
  const { laptop, signal } = options;
  const format = `{{.ID}}\t{{.Names}}\t{{.Label "${connectionLabel}"}}`;
  const filters = [
    '--filter',
    `label=${laptopLabel}=${laptop}`,
    '--filter',
    `label=${connectionLabel}`,
  ];
  const args = ['ps', '--all', '--no-trunc', ...filters, '--format', format];
  const { stdout } = await docker.run(args, { signal });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', name = '', connection = ''] = line.split('\t');
      return { id, name, connection };
    });
}

/**
 * Removes the containers of connections that `isOver` says are over, volumes and networks that were made
 * for their handlers, and the network after the last one.
 */
export async function removeOurs(
  deps: Deps,
  options: { readonly laptop: string; readonly network: string; readonly signal: AbortSignal },
  isOver: (connection: string) => boolean,
): Promise<readonly OurContainer[]> {
  const { docker } = deps;
  const { network, signal } = options;
  const over = (await listOurs(deps, options)).filter(({ connection }) => isOver(connection));
  if (over.length > 0) {
    const ids = over.map(({ id }) => id);
    // Two may do this at once: one that is gone already is as it should be.
    const removed = await docker.run(['rm', '--force', '--volumes', ...ids], {
      signal,
      mayFail: true,
    });
    const left = (await listOurs(deps, options)).filter(({ id }) => ids.includes(id));
    if (left.length > 0) throw new Error(`docker rm: ${removed.stderr.trim()}`);
  }
  await removeVolumes(deps, options, isOver);
  await removeProjectNetworks(deps, options, isOver);
  // Refused while anybody is in it, which is right. One that a person has made stays.
  const mine = ['--filter', `name=^${network}$`, '--filter', `label=${laptopLabel}`];
  const { stdout } = await docker.run(['network', 'ls', '--quiet', ...mine], { signal });
  const ids = stdout.split('\n').filter(Boolean);
  if (ids.length > 0) await docker.run(['network', 'rm', ...ids], { signal, mayFail: true });
  return over;
}

/** Networks of projects that ran for a connection. */
async function removeProjectNetworks(
  deps: Deps,
  { laptop, signal }: { readonly laptop: string; readonly signal: AbortSignal },
  isOver: (connection: string) => boolean,
): Promise<void> {
  const format = `{{.ID}}\t{{.Label "${connectionLabel}"}}`;
  const filters = [`--filter=label=${laptopLabel}=${laptop}`, `--filter=label=${connectionLabel}`];
  const args = ['network', 'ls', '--no-trunc', ...filters, '--format', format];
  const { stdout } = await deps.docker.run(args, { signal, mayFail: true });
  const over = stdout
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([id, connection]) => Boolean(id) && isOver(connection ?? ''))
    .map(([id = '']) => id);
  await removeNetworks(deps, over, { signal });
}

/** Volumes of handlers; one that somebody has taken into a container of his own stays with that. */
async function removeVolumes(
  { docker }: Deps,
  { laptop, signal }: { readonly laptop: string; readonly signal: AbortSignal },
  isOver: (connection: string) => boolean,
): Promise<void> {
  const format = `{{.Name}}\t{{.Label "${connectionLabel}"}}`;
  const filters = [`--filter=label=${laptopLabel}=${laptop}`, `--filter=label=${connectionLabel}`];
  const args = ['volume', 'ls', ...filters, '--format', format];
  const { stdout } = await docker.run(args, { signal, mayFail: true });
  const over = stdout
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([name, connection]) => Boolean(name) && isOver(connection ?? ''))
    .map(([name = '']) => name);
  if (over.length > 0) await docker.run(['volume', 'rm', ...over], { signal, mayFail: true });
}

interface Calls {
  readonly signal: AbortSignal;
  /** In process groups of their own, where Ctrl-C in the terminal does not reach them. */
  readonly detached?: boolean;
}

/**
 * Removes networks, and has containers of connections leave them before, for Docker removes none that
 * somebody is in. One that holds a container of the user's own stays with that. Returns how many are gone.
 */
export async function removeNetworks(
  { docker }: Deps,
  networks: readonly string[],
  options: Calls,
): Promise<number> {
  const mayFail = { ...options, mayFail: true };
  let gone = 0;
  for (const id of networks) {
    const filters = [`--filter=network=${id}`, `--filter=label=${laptopLabel}`];
    const asked = ['ps', '--all', '--quiet', '--no-trunc', ...filters];
    const { stdout } = await docker.run(asked, mayFail);
    for (const container of stdout.split('\n').filter(Boolean)) {
      await docker.run(['network', 'disconnect', '--force', id, container], mayFail);
    }
    if ((await docker.run(['network', 'rm', id], mayFail)).status === 0) gone += 1;
  }
  return gone;
}

/** Whose containers these are: one user of one laptop, by where this user's sockets are. */
export function laptopId(whose: {
  readonly hostname: string;
  readonly uid: number;
  readonly runtimeDir: string;
}): string {
  const text = `${whose.hostname}\n${String(whose.uid)}\n${whose.runtimeDir}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
