import { describe } from '#base/errors.ts';
import { dnsOver } from '#protocol/client-settings.ts';
import type { DnsSettings, RootStatus } from '#protocol/gen/telepresence_pb.ts';
import { createDevice } from '../device/device.ts';
import { listenForOutbound, type PickSession } from '../flows/outbound-listener.ts';
import { createRoutedSubnets } from '../flows/routed-subnets.ts';
import { answerQuery } from '../names/answer-query.ts';
import { serveNames } from '../names/answer-socket.ts';
import type { ClusterModel } from '../names/cluster-model.ts';
import type { ClusterLink } from './cluster-link.ts';
import { holdMachine, type Machine } from './machine.ts';
import type { SessionDeps } from './session-deps.ts';
import { adminsDns, wantedMachine } from './wanted-machine.ts';
import type { withSettings } from './with-settings.ts';

/** The cluster's names and addresses on this laptop; disposing gives its network back. */
export interface LaptopNetwork extends AsyncDisposable {
  /** Makes the machine what the cluster is now. */
  apply(): void;
  /** Resolves when the machine is as was last wanted. */
  applied(signal: AbortSignal): Promise<void>;
  status(signal: AbortSignal): Promise<RootStatus>;
}

interface Options {
  readonly request: ReturnType<typeof withSettings>;
  readonly scope: { readonly namespace: string; readonly mapped: readonly string[] };
  readonly apiServer: Parameters<typeof wantedMachine>[1]['apiServer'];
  readonly model: ClusterModel;
  readonly link: Pick<ClusterLink, 'lookup'>;
  readonly pickSession: PickSession;
}

/** Listens for what goes to the cluster: flows, packets and names. The machine is not changed yet. */
export async function openLaptopNetwork(
  deps: SessionDeps,
  { request, scope, apiServer, model, link, pickSession }: Options,
): Promise<LaptopNetwork> {
  await using stack = new AsyncDisposableStack();
  const routed = createRoutedSubnets();
  const device = stack.use(createDevice({ ...deps, routed, pickSession }));
  const listener = stack.use(
    await listenForOutbound({ ...deps, routed, pickSession, gate: device.gate }),
  );
  const namesWanted = (): DnsSettings => dnsOver(request.dns, adminsDns(model.info));
  const lookup = async (query: Uint8Array, asking: AbortSignal): Promise<Uint8Array> =>
    await link.lookup(query, asking);
  stack.use(
    await serveNames(
      {
        log: deps.log,
        answer: async (query, asking) => {
          const mappings = namesWanted().mappings?.values ?? [];
          const asked = { log: deps.log, names: model, scope, mappings, lookup };
          return await answerQuery(asked, query, asking);
        },
      },
      deps.answerSocket,
    ),
  );
  const machine: Machine = stack.use(
    holdMachine({
      ...deps,
      client: deps.createRootDaemonClient(request.rootDaemonSocket),
      onApplied: () => readDevice(),
      onLost: () => void device.detach(),
    }),
  );
  let gate = deps.canReadDevice;
  const readDevice = (): void => {
    if (!gate) return;
    try {
      device.attach();
    } catch (error) {
      deps.log.warning('no UDP, no pings, and refused connections are accepted first', {
        reason: describe(error),
      });
      gate = false;
      apply();
    }
  };
  const apply = (): void => {
    const { alsoProxy, neverProxy, allowConflictingSubnets: allowConflicting } = request;
    const wanted = wantedMachine(model, {
      redirectPort: listener.port,
      ipv6: listener.ipv6,
      answerSocket: deps.answerSocket,
      apiServer,
      namespace: scope.namespace,
      mappedNamespaces: scope.mapped,
      alsoProxy,
      neverProxy,
      allowConflicting,
      gate,
      dns: namesWanted(),
    });
    if (wanted === undefined) return;
    routed.set({ routed: [...wanted.subnets, ...wanted.alsoProxy], never: wanted.neverProxy });
    machine.want(wanted);
  };
  const owned = stack.move();
  return {
    apply,
    applied: async (waiting) => await machine.applied(waiting),
    status: async (asking) => {
      const status = await machine.status(asking);
      if (status.dns === undefined) return status;
      const { excludes, mappings } = namesWanted();
      const said = { excludes: excludes?.values ?? [], mappings: mappings?.values ?? [] };
      return { ...status, dns: { ...status.dns, ...said } };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
