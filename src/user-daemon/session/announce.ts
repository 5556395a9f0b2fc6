import { describe } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import type { KubeClient } from '#kube/client.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { createSigner, type Signer } from '#tunnel/keys.ts';
import { clusterFailure } from '../errors.ts';
import { apiServerAddresses } from './api-server-address.ts';
import { firstAnswer } from './first-answer.ts';
import { managerPresence } from './manager-presence.ts';
import { checkRights, type RightsCheck } from './needed-rights.ts';
import { createConnection, type OwnConnectionObject } from './own-connection.ts';
import { openPathMemory, type PathMemory } from './path-memory.ts';
import type { SessionDeps } from './session-deps.ts';

/** A user whom the cluster knows and the manager has taken notice of. */
export interface Announced extends AsyncDisposable {
  readonly username: string;
  readonly rights: RightsCheck;
  /** Signs for the Connection: whoever holds it is this laptop. */
  readonly signer: Signer;
  readonly connection: OwnConnectionObject;
  /** Where the API server is; its addresses are never taken from the laptop. */
  readonly apiServer: Awaited<ReturnType<typeof apiServerAddresses>>;
  readonly memory: PathMemory;
}

interface Options {
  readonly client: KubeClient;
  readonly access: ClusterAccess;
  readonly managerNamespace: string;
  /** How long the API server may take; 0 or undefined: as usual. */
  readonly clusterConnectMs: number | undefined;
  /** Workloads from whose pods flows are to leave. */
  readonly via: readonly string[];
  readonly report: (text: string) => void;
  readonly signal: AbortSignal;
}

const endMs = 5000;

/** Finds the manager, checks rights and creates the Connection; disposing deletes it. */
export async function announce(
  deps: SessionDeps,
  { client, access, managerNamespace, clusterConnectMs, via, report, signal }: Options,
): Promise<Announced> {
  const facts = { managerNamespace };
  await using stack = new AsyncDisposableStack();
  const presence = managerPresence(client, {
    namespace: managerNamespace,
    connected: access.namespace,
    signal,
  });
  presence.catch(() => {});
  const rights = checkRights(client, {
    namespace: access.namespace,
    managerNamespace,
    presence,
    signal,
  });
  const signer = createSigner();
  const [user, apiServer, memory] = await Promise.all([
    firstAnswer({ ...deps, access, client }, { ms: clusterConnectMs, report, signal }).catch(
      (error: unknown) => {
        throw clusterFailure(error, facts);
      },
    ),
    apiServerAddresses(access),
    openPathMemory(deps, { stateDir: deps.stateDir, access }),
  ]);
  stack.defer(async () => await memory.written);
  await rights.forConnecting(user.username).catch((error: unknown) => {
    throw clusterFailure(error, facts);
  });
  // What brings agents into pods is the right of those who may intercept there.
  if (via.length > 0) await rights.forIntercepting(user.username, access.namespace, signal);
  const connection = stack.use(
    await createConnection(
      { ...deps, client },
      {
        namespace: access.namespace,
        managerNamespace,
        presence,
        signal,
        spec: {
          user: user.username,
          groups: provableGroups(user.groups),
          client: deps.client,
          installId: deps.installId,
          publicKey: signer.publicKey,
          ...(via.length === 0 ? {} : { via: [...via] }),
        },
      },
    ),
  );
  stack.defer(async () => await deleteConnection(deps, connection));
  const owned = stack.move();
  return {
    username: user.username,
    rights,
    signer,
    connection,
    apiServer,
    memory,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** As many as the object holds; a user of more has the rights of these. */
function provableGroups(groups: readonly string[]): string[] {
  return groups.filter((group) => group.length <= 256).slice(0, 256);
}

async function deleteConnection(
  deps: Pick<SessionDeps, 'clock' | 'log'>,
  connection: OwnConnectionObject,
): Promise<void> {
  const { signal } = new AbortController();
  const ending = { ms: endMs, what: 'end of the connection', signal };
  const remove = async (waiting: AbortSignal): Promise<void> => {
    await connection.delete(waiting);
  };
  await withDeadline(deps, ending, remove).catch((error: unknown) => {
    deps.log.warning('connection not deleted', { reason: describe(error) });
  });
}
