import type { Socket } from 'node:net';

import { connectNodeAdapter } from '@connectrpc/connect-node';

import type { Clock } from '#base/clock.ts';
import { turnLevel, type LevelSwitch, type Logger } from '#base/log.ts';
import type { ReadOriginalDestination } from '#host/original-destination.ts';
import { createOpenEcho } from '#host/ping-socket.ts';
import { agentRedirectPort, type AgentConfig, type PortProtocol } from '#protocol/agent-config.ts';
import { Agent } from '#protocol/gen/telepresence_pb.ts';
import { createDatagramDialer, openUdp } from '#tunnel/dial-udp.ts';
import type { ServeOptions } from '#tunnel/server-session.ts';

import { createAgentService } from './api/agent-service.ts';
import type { Environment } from './environment/extract.ts';
import { createTakeFilesRequest } from './files/take-files-request.ts';
import { dialForLaptop } from './outbound/dial.ts';
import { connectManagers } from './session/connected.ts';
import { bring, type Inbound } from './take/accept.ts';
import { createCopies } from './take/copies.ts';
import { createJoined } from './take/joined.ts';
import { listenForTakes } from './take/listen.ts';
import { createFirstTold } from './take/first-told.ts';
import { joinTakes } from './take/all-takes.ts';
import { openDatagramPort, type OnDatagram } from './take/datagram-port.ts';
import { createStandIn } from './take/stand-in.ts';
import { createTakenDatagrams } from './take/taken-datagrams.ts';
import { createTakes, type PortSwitch, type Takes, type TapSwitch } from './take/takes.ts';
import { createUdpSwitch, openUdpTap } from './take/udp-knock.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  /** What `log` listens to; turned when the manager says so. */
  readonly level?: LevelSwitch;
  readonly random: () => number;
  readonly readToken: () => Promise<string>;
  /** The addresses of every manager, by the name of their Service. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  /** The agent's own environment, in which the apps' is. */
  readonly env: Environment;
  readonly take: TakeMode;
  /** Where the kubelet's probes come from; needed only where they are redirected too. */
  readonly nodeAddresses: ReadonlySet<string>;
}

/** How connections come to the agent. */
export type TakeMode =
  | {
      readonly kind: 'redirect';
      readonly ports: PortSwitch & TapSwitch;
      readonly readOriginalDestination: ReadOriginalDestination;
    }
  | { readonly kind: 'rename' };

interface Options {
  readonly config: AgentConfig;
  readonly podIps: readonly [string, ...string[]];
  readonly version: string;
}

/** How long the pod is kept from being ready until the manager has said what is to be taken. */
const firstTakesMs = 2000;
/** How long a connection may have been on its way when its port was given back. */
const arrivalMs = 100;

/** A running agent. Disposing gives every port back, lets connections end, then closes. */
export type RunningAgent = AsyncDisposable;

/** Starts an agent; it runs, with or without a manager, until it is disposed of. */
export async function startAgent(deps: Deps, options: Options): Promise<RunningAgent> {
  const { log, clock } = deps;
  const { config, podIps } = options;
  const [podIp] = podIps;
  await using stack = new AsyncDisposableStack();
  const stopped = new AbortController();
  stack.defer(() => stopped.abort(new Error('stopped')));

  const joined = createJoined(deps);
  const tapping = portSwitch(deps.take, config);
  const inboundOf =
    (protocol: PortProtocol) =>
    (interceptUid: string): readonly Inbound[] =>
      managers.inbound(interceptUid, protocol);
  const copies = createCopies({ log, clock, inbound: inboundOf('TCP') });
  const tcpPorts = stack.use(
    createStandIn({
      ports: tapping,
      open: async (port) => await listenAt(podIps, port, (socket) => bringTo(socket, port)),
    }),
  );
  const tcp = createTakes({
    log,
    joined,
    protocol: 'TCP',
    ports: tcpPorts,
    taps: { ports: tapping, copies },
  });
  const doubts = new Set<string>();
  const datagrams = createTakenDatagrams({
    log,
    clock,
    podIps,
    doubts,
    inbound: inboundOf('UDP'),
    takes: { takerOf: (port) => udp.takerOf(port) },
    standsAt: (port) => udpPorts.standsAt(port),
  });
  const onDatagram =
    (port: number): OnDatagram =>
    (payload, client) =>
      datagrams.take(port, payload, client);
  const udpPorts = stack.use(
    createStandIn({
      ports: stack.use(udpSwitch(deps, options, onDatagram)),
      open: async (port) => await openDatagramPort({ hosts: podIps, port }, onDatagram(port)),
    }),
  );
  const udp = createTakes({ log, joined: datagrams, protocol: 'UDP', ports: udpPorts });
  const takes = joinTakes({ TCP: tcp, UDP: udp });
  // A pod that is intercepted must be so before it is ready: its probe asks the redirect port, which is
  // listened on once it is known what is to be taken; and what is listened on can be taken.
  const told = createFirstTold();
  const listening = Promise.withResolvers<void>();
  const managers = stack.use(
    connectManagers(
      {
        ...deps,
        takes,
        told,
        listening: listening.promise,
        serve: servedToLaptops({ ...deps, takes }, config),
        onLogLevel: (level) => turnLevel({ log, level: deps.level }, level),
      },
      { manager: { ...config.manager, ca: config.ca }, version: options.version, podIp },
    ),
  );

  const { nodeAddresses } = deps;
  const bringDeps: Parameters<typeof bring>[0] = {
    log,
    clock,
    takes: tcp,
    copies,
    joined,
    doubts,
    inbound: inboundOf('TCP'),
    nodeAddresses,
    standsAt: (port) => tcpPorts.standsAt(port),
  };
  const bringTo = (socket: Socket, port: number): void =>
    void bring(bringDeps, socket, { podIps, port }, stopped.signal);
  await told.within(clock, firstTakesMs);
  await listen(deps.take, options, {
    stack,
    bringTo,
    onDatagram,
  });
  listening.resolve();

  // First of all ports are given back; who was on the way here still arrives; then connections may
  // end; the sessions close last.
  stack.defer(async () => {
    await clock.sleep(arrivalMs, stopped.signal);
    await Promise.all([joined.finish(), datagrams.finish()]);
  });
  stack.use(takes);
  return stack.move();
}

/** What a laptop may ask of this agent, by way of the relay. */
function servedToLaptops(
  deps: Pick<Deps, 'log' | 'clock' | 'env'> & { readonly takes: Pick<Takes, 'wants'> },
  config: AgentConfig,
): ServeOptions {
  const service = createAgentService({ config, env: deps.env });
  const { clock } = deps;
  const datagrams = {
    udp: createDatagramDialer({ clock, open: openUdp }),
    echo: createDatagramDialer({ clock, open: createOpenEcho() }),
  };
  const ownPod = {
    isOurs: (interceptUid: string) => deps.takes.wants(interceptUid),
    agentPorts: [agentRedirectPort, ...config.renamed.map((one) => one.listenPort)],
  };
  return {
    onRequest: createTakeFilesRequest({ log: deps.log, config }),
    onFlow: (flow) => void dialForLaptop({ ...deps, datagrams, ownPod }, flow),
    rpc: connectNodeAdapter({ routes: (router) => void router.service(Agent, service) }),
  };
}

/**
 * The redirect port, which hangs up on whoever was not redirected: a probe that only connects is
 * content, and nobody else gains anything. And each renamed port, for its app's.
 */
async function listen(
  take: TakeMode,
  options: Options,
  to: {
    readonly stack: AsyncDisposableStack;
    readonly bringTo: (socket: Socket, port: number) => void;
    readonly onDatagram: (port: number) => OnDatagram;
  },
): Promise<void> {
  const onRedirected = (socket: Socket): void => {
    const port = take.kind === 'redirect' ? take.readOriginalDestination(socket)?.port : undefined;
    // Not reset: that can overtake a probe's own look at whether it is connected.
    if (port === undefined) socket.destroy();
    else to.bringTo(socket, port);
  };
  for (const { listenPort, appPort, protocol } of renamedPorts(take, options.config)) {
    if (protocol === 'UDP') {
      const at = { hosts: options.podIps, port: listenPort };
      to.stack.use(await openDatagramPort(at, to.onDatagram(appPort)));
      continue;
    }
    const onConnection = (socket: Socket): void => to.bringTo(socket, appPort);
    to.stack.use(await listenAt(options.podIps, listenPort, onConnection));
  }
  // The last, and of these the first address: where there are renamed ports it is what is probed.
  for (const host of options.podIps.toReversed()) {
    const redirected = { host, port: agentRedirectPort, onConnection: onRedirected };
    to.stack.use(await listenForTakes(redirected));
  }
}

/** Listens at each of the pod's addresses. */
async function listenAt(
  podIps: readonly string[],
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<AsyncDisposable> {
  await using opening = new AsyncDisposableStack();
  for (const host of podIps) opening.use(await listenForTakes({ host, port, onConnection }));
  return opening.move();
}

function renamedPorts(take: TakeMode, config: AgentConfig): AgentConfig['renamed'] {
  return take.kind === 'rename' ? config.renamed : [];
}

function portSwitch(take: TakeMode, config: AgentConfig): PortSwitch & TapSwitch {
  return take.kind === 'redirect' ? take.ports : renamedSwitch(config, 'TCP');
}

function udpSwitch(
  { clock, take }: Pick<Deps, 'clock' | 'take'>,
  { config, podIps }: Pick<Options, 'config' | 'podIps'>,
  onDatagram: (port: number) => OnDatagram,
): PortSwitch & AsyncDisposable {
  if (take.kind === 'rename') {
    return { ...renamedSwitch(config, 'UDP'), async [Symbol.asyncDispose]() {} };
  }
  const openTap = async (one: OnDatagram): ReturnType<typeof openUdpTap> =>
    await openUdpTap(podIps, one);
  return createUdpSwitch({ clock, openTap }, onDatagram);
}

/** What goes to a renamed port comes here anyway: switching is only a matter of where it goes on. */
function renamedSwitch(config: AgentConfig, protocol: PortProtocol): PortSwitch & TapSwitch {
  const ports = new Set(
    config.renamed.filter((one) => (one.protocol ?? 'TCP') === protocol).map((one) => one.appPort),
  );
  const whyNot = (port: number): string => `the name of port ${port} was not given to the agent`;
  return {
    on: async (port) => ports.has(port),
    off: async () => {},
    whyNot,
    tap: async (port) => ports.has(port),
    untap: async () => {},
    whyNotTapped: whyNot,
  };
}
