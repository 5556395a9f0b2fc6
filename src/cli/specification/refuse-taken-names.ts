import type { CliContext } from '../context.ts';
import { call } from '../daemon/session.ts';
import { CliError } from '../errors.ts';
import type { IntendedIntercept } from './handlers/handler-kind.ts';

/**
 * Throws where a connection has an intercept of one of these names: the daemon would put the new one in
 * its place, and who has made it would find it gone when the run ends.
 */
export async function refuseTakenNames(
  { signal }: Pick<CliContext, 'signal'>,
  intended: readonly Pick<IntendedIntercept, 'name' | 'connection'>[],
): Promise<void> {
  const connections = new Set(intended.map(({ connection }) => connection));
  for (const connection of connections) {
    const { daemon } = connection;
    const { intercepts } = await call(async () => await daemon.status({}, { signal }));
    const taken = new Set(intercepts.map(({ name }) => name));
    const mine = intended.filter((one) => one.connection === connection);
    const found = mine.find(({ name }) => taken.has(name));
    if (found === undefined) continue;
    throw new CliError('Failed', `there is an intercept ${found.name} already`, {
      hint: `end it: telepresence leave ${found.name}; or write another name for it in the specification`,
    });
  }
}
