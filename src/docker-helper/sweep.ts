import type { Logger } from '#base/log.ts';
import type { DockerCommand } from '#docker/command.ts';
import { listOurs, networkName, removeOurs } from '#docker/ours.ts';
import type { WantedContainers } from './containers.ts';

interface Deps {
  readonly log: Logger;
  readonly docker: DockerCommand;
  /** Whether somebody looks after a connection. */
  readonly isAlive: (connection: string) => Promise<boolean>;
}

/** Removes what helpers that were killed have left, and what is left of this connection. */
export async function sweep(
  deps: Deps,
  { laptop, connection, signal }: Pick<WantedContainers, 'laptop' | 'connection' | 'signal'>,
): Promise<void> {
  const found = await listOurs(deps, { laptop, signal });
  const over = new Set([connection]);
  for (const each of new Set(found.map((one) => one.connection))) {
    if (each !== connection && !(await deps.isAlive(each))) over.add(each);
  }
  if (!found.some((one) => over.has(one.connection))) return;
  const swept = await removeOurs(deps, { laptop, network: networkName, signal }, (each) =>
    over.has(each),
  );
  deps.log.info('swept', { containers: swept.map(({ name }) => name).join(' ') });
}
