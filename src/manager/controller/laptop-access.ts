import type { Connection } from '#protocol/resources.ts';
import { createNamespaceRights } from './namespace-rights.ts';

/** Who a laptop's connection is, and what its user may use. */
export interface LaptopAccess {
  connectionOf(uid: string): Connection | undefined;
  /** Those of the namespaces that the connection's user may use; none where it is gone. */
  openTo(uid: string, names: readonly string[], signal: AbortSignal): Promise<ReadonlySet<string>>;
}

/** Looks at the Connections as they are at the moment of the question. */
export function createLaptopAccess(
  deps: Parameters<typeof createNamespaceRights>[0],
  connections: () => Iterable<Connection>,
): LaptopAccess {
  const rights = createNamespaceRights(deps);
  const connectionOf = (uid: string): Connection | undefined =>
    [...connections()].find(({ metadata }) => metadata.uid === uid);
  return {
    connectionOf,
    async openTo(uid, names, signal) {
      const connection = connectionOf(uid);
      return connection === undefined
        ? new Set()
        : await rights.among(connection.spec, names, signal);
    },
  };
}
