import type { Socket } from 'node:net';

import { connectNodeAdapter } from '@connectrpc/connect-node';

import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ReadOriginalDestination } from '#host/original-destination.ts';
import { agentRedirectPort, type AgentConfig } from '#protocol/agent-config.ts';
import { Agent } from '#protocol/gen/telepresence_pb.ts';
import type { AgentRole } from '#tunnel/agent-handshake.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { resetEnd } from '#tunnel/splice.ts';

import { createAgentService } from './api/agent-service.ts';
import { createReporter } from './control/report.ts';
import { watchTakes } from './control/watch.ts';
import type { Environment } from './environment/extract.ts';
import { dialForLaptop } from './outbound/dial.ts';
import { connectToManager } from './session/connect.ts';
import { keepSession } from './session/keep.ts';
import { bring, type Inbound } from './take/accept.ts';
import { createJoined } from './take/joined.ts';
import { listenForTakes } from './take/listen.ts';
import { createTakes, type PortSwitch, type TakeOutcome } from './take/takes.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly readToken: () => Promise<string>;
  /** The agent's own environment, in which the apps' is. */
  readonly env: Environment;
  /** How ports are switched, and how a redirected connection's port is known. */
  readonly take: TakeMode;
}

/** How connections come to the agent. */
export type TakeMode =
  | {
      readonly kind: 'redirect';
      readonly ports: PortSwitch;
      readonly readOriginalDestination: ReadOriginalDestination;
    }
  | { readonly kind: 'rename' };

interface Options {
  readonly config: AgentConfig;
  readonly podIp: string;
  readonly version: string;
}

/** A running agent. Disposing gives every port back, lets connections end, then closes. */
export type RunningAgent = AsyncDisposable;

/** Starts an agent; it runs, with or without a manager, until it is disposed of. */
export async function startAgent(deps: Deps, options: Options): Promise<RunningAgent> {
  const { log, clock } = deps;
  const { config, podIp } = options;
  await using stack = new AsyncDisposableStack();
  const stopped = new AbortController();
  stack.defer(() => stopped.abort(new Error('stopped')));

  const joined = createJoined(deps);
  const takes = createTakes({ log, joined, ports: portSwitch(deps.take, config) });
  const reporter = createReporter(deps);
  let inbound: Inbound | undefined;
  let epoch: bigint | undefined;
  const report = async (outcomes: Promise<readonly TakeOutcome[]>): Promise<void> => {
    const about = epoch;
    const found = await outcomes;
    if (about !== undefined) reporter.report({ epoch: about, outcomes: found });
  };

  const takeDeps = { log, clock, takes, joined, inbound: () => inbound };
  const bringTo = (socket: Socket, port: number): void =>
    void bring(takeDeps, socket, { podIp, port }, stopped.signal);
  await listen(deps.take, options, { stack, bringTo });

  const connect = (role: AgentRole, signal: AbortSignal) =>
    connectToManager(deps, { manager: { ...config.manager, ca: config.ca }, role }, signal);
  const serving = {
    log,
    clock,
    onFlow: (flow: Parameters<typeof dialForLaptop>[1]) => void dialForLaptop(deps, flow),
    rpc: connectNodeAdapter({
      routes: (router) => router.service(Agent, createAgentService({ config, env: deps.env })),
    }),
  };

  stack.use(
    keepSession(deps, {
      role: 'outbound',
      open: async (signal) => serveSession(await connect('outbound', signal), serving),
      onUp: () => new AsyncDisposableStack(),
    }),
  );
  stack.use(
    keepSession(deps, {
      role: 'inbound',
      open: async (signal) => openClientSession(await connect('inbound', signal), deps),
      onUp(session) {
        inbound = { session, rttMs: 0 };
        void report(takes.setReachable(true));
        const down = new AsyncDisposableStack();
        down.defer(() => {
          inbound = undefined;
          void report(takes.setReachable(false));
        });
        return down;
      },
    }),
  );
  stack.use(
    keepSession(deps, {
      role: 'control',
      open: async (signal) => openClientSession(await connect('control', signal), deps),
      onUp(session) {
        const onWanted = (wanted: { epoch: bigint; takes: Parameters<typeof takes.apply>[0] }) => {
          epoch = wanted.epoch;
          void report(takes.apply(wanted.takes));
        };
        const watch = { agentVersion: options.version, podIp };
        const watching = new AbortController();
        const watched = watchTakes({ session, reporter, onWanted }, watch, watching.signal).then(
          () => session.destroy(new Error('the manager ended the list of takes')),
          (error: unknown) => {
            log.debug('control call ended', { reason: describe(error) });
            session.destroy(new Error('the control call failed'));
          },
        );
        const down = new AsyncDisposableStack();
        down.defer(async () => {
          watching.abort(new Error('session ended'));
          await watched;
        });
        return down;
      },
    }),
  );

  // First of all ports are given back, then connections may end; the sessions close last.
  stack.defer(() => joined.finish());
  stack.use(takes);
  return stack.move();
}

/** What is listened on: the redirect port, or each renamed port with its app's. */
async function listen(
  take: TakeMode,
  options: Options,
  to: {
    readonly stack: AsyncDisposableStack;
    readonly bringTo: (socket: Socket, port: number) => void;
  },
): Promise<void> {
  const host = options.podIp;
  const notRedirected = (socket: Socket): void =>
    resetEnd(socket, new Error('dialled the agent itself'));
  if (take.kind === 'redirect') {
    const onConnection = (socket: Socket): void => {
      const port = take.readOriginalDestination(socket)?.port;
      if (port === undefined) notRedirected(socket);
      else to.bringTo(socket, port);
    };
    to.stack.use(await listenForTakes({ host, port: agentRedirectPort, onConnection }));
    return;
  }
  for (const { listenPort, appPort } of options.config.renamed) {
    const onConnection = (socket: Socket): void => to.bringTo(socket, appPort);
    to.stack.use(await listenForTakes({ host, port: listenPort, onConnection }));
  }
}

/** A renamed port's connections come here anyway: switching is only a matter of where they go. */
function portSwitch(take: TakeMode, config: AgentConfig): PortSwitch {
  if (take.kind === 'redirect') return take.ports;
  const ports = new Set(config.renamed.map((one) => one.appPort));
  return { on: async (port) => ports.has(port), off: async () => {} };
}
