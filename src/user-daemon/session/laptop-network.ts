import { create } from '@bufbuild/protobuf';
import { describe } from '#base/errors.ts';
import { dnsOver } from '#protocol/client-settings.ts';
import { subnets } from '#protocol/dial-policy.ts';
import {
  ContainerBridgeSchema,
  type Applied,
  type ContainerBridge,
  type DnsSettings,
  type RootStatus,
} from '#protocol/gen/telepresence_pb.ts';
import { formatIp } from '#protocol/ip-address.ts';
import { createVirtualAddresses, type VirtualRules } from '#protocol/virtual/addresses.ts';
import { createDevice } from '../device/device.ts';
import { listenForOutbound, type PickSession } from '../flows/outbound-listener.ts';
import { toRealTargets } from '../flows/real-targets.ts';
import { createRoutedSubnets } from '../flows/routed-subnets.ts';
import { answerQuery } from '../names/answer-query.ts';
import { serveNames } from '../names/answer-socket.ts';
import type { ClusterModel } from '../names/cluster-model.ts';
import { createHeldNames, type HeldNames } from '../names/held-names.ts';
import type { ClusterLink } from './cluster-link.ts';
import { holdMachine, type Machine } from './machine.ts';
import type { SessionDeps } from './session-deps.ts';
import { viaRules } from './virtual-wishes.ts';
import { withVirtual } from './virtual-status.ts';
import { adminsDns, namedSubnets, wantedMachine } from './wanted-machine.ts';
import type { withSettings } from './with-settings.ts';

/** The cluster's names and addresses on this laptop; disposing gives its network back. */
export interface LaptopNetwork extends AsyncDisposable {
  /** Makes the machine what the cluster is now. */
  apply(): void;
  /** Resolves when the machine is as was last wanted. */
  applied(signal: AbortSignal): Promise<void>;
  status(signal: AbortSignal): Promise<RootStatus>;
  /** Names that others than user and administrator say something of. */
  readonly names: Pick<HeldNames, 'hold'>;
}

/** Bridges that are not known by then are added when they are. */
const bridgesMs = 1500;

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
  options: Options,
): Promise<LaptopNetwork> {
  const { request, scope, apiServer, model, link } = options;
  await using stack = new AsyncDisposableStack();
  const routed = createRoutedSubnets();
  const virtual = createVirtualAddresses();
  const pickSession = toRealTargets(virtual, options.pickSession);
  const device = stack.use(createDevice({ ...deps, routed, pickSession }));
  const listener = stack.use(
    await listenForOutbound({ ...deps, routed, pickSession, gate: device.gate }),
  );
  const names = createHeldNames(() => apply());
  const namesWanted = (): DnsSettings => names.over(dnsOver(request.dns, adminsDns(model.info)));
  const lookup = async (query: Uint8Array, asking: AbortSignal): Promise<Uint8Array> =>
    await link.lookup(query, asking);
  stack.use(
    await serveNames(
      {
        log: deps.log,
        answer: async (query, asking) => {
          const mappings = namesWanted().mappings?.values ?? [];
          const { fallbacks } = names;
          const asked = {
            log: deps.log,
            names: model,
            scope,
            mappings,
            fallbacks,
            virtual,
            lookup,
          };
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
      onApplied: (applied) => {
        isApplied(applied);
        readDevice();
      },
      onLost: () => void device.detach(),
    }),
  );
  let ranges: readonly string[] = [];
  let never: readonly string[] = [];
  const via = (): VirtualRules['via'] =>
    model.info === undefined ? [] : viaRules(request, namedSubnets(model.info, request));
  const isApplied = (applied: Applied): void => {
    ranges = applied.virtualRanges;
    if (applied.routed.length > 0) routed.set({ routed: applied.routed, never });
    virtual.set({
      ranges: subnets(...ranges),
      virtual: subnets(...applied.virtual.map(({ subnet }) => subnet)),
      via: via(),
      spared: subnets(...never),
    });
  };
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
  let bridges: readonly ContainerBridge[] = [];
  const containers =
    deps.followBridges &&
    stack.use(
      deps.followBridges(async (found) => {
        const hosts = found.flatMap(({ addresses }) => addresses.map(formatIp));
        const ports = await listener.listenAt(hosts);
        bridges = found.map(({ device, addresses }) =>
          create(ContainerBridgeSchema, {
            device,
            listeners: addresses.map(formatIp).flatMap((address) => {
              const port = ports.get(address);
              return port === undefined ? [] : [{ address, port }];
            }),
          }),
        );
        apply();
      }),
    );
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
      fallbackNames: names.fallbacks.map(({ name }) => name),
      virtual: request,
      bridges,
    });
    if (wanted === undefined) return;
    never = wanted.neverProxy;
    // What of it is routed in the end, we are told with its application.
    routed.set({ routed: [...wanted.subnets, ...wanted.alsoProxy, ...ranges], never });
    machine.want(wanted);
  };
  const owned = stack.move();
  return {
    apply,
    names,
    applied: async (waiting) => {
      // A slow Docker does not hold up who has no use for it.
      const late = deps.clock.sleep(bridgesMs, waiting).catch(() => {});
      await Promise.race([containers?.looked, late]);
      await machine.applied(waiting);
    },
    status: async (asking) => {
      const status = withVirtual(await machine.status(asking), virtual, via());
      if (status.dns === undefined) return status;
      const { excludes, mappings } = namesWanted();
      const said = { excludes: excludes?.values ?? [], mappings: mappings?.values ?? [] };
      return { ...status, dns: { ...status.dns, ...said } };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
