import net from 'node:net';
import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { decideDial } from '#protocol/dial-policy.ts';
import { interceptHeader, viaHeader } from '#protocol/flow-headers.ts';
import type { DialDatagrams } from '#tunnel/dial-udp.ts';
import type { FlowKind } from '#tunnel/flow-kind.ts';
import { refusalForDial } from '#tunnel/refusal.ts';
import type { IncomingFlow } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';
import { carryFlow, type Next } from './carry-flow.ts';
import type { Desired } from './desired.ts';
import { takePodFlow } from './pod-flow.ts';
import { takeViaFlow } from './via-flow.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'every'>;
  readonly desired: () => Desired | undefined;
  /** Why a laptop may not dial an address where not all are open; undefined when it may. */
  readonly reviewDial: (
    connectionUid: string,
    host: string,
    signal: AbortSignal,
  ) => Promise<string | undefined>;
  /** Sessions to agents that may dial that address for this Connection, the best group first. */
  readonly dialers: (connectionUid: string, host: string) => readonly (readonly Next[])[];
  readonly datagrams: Datagrams;
  /** Sessions to the agent of one pod. */
  readonly sessionsOf: (podUid: string) => readonly Next[];
  /** Which of the pods may dial an address: none its own. */
  readonly othersThan: (podUids: readonly string[], host: string) => readonly string[];
}

/** How this process itself sends datagrams for laptops. */
export type Datagrams = Readonly<Record<Exclude<FlowKind, 'tcp'>, DialDatagrams>>;

/** A SYN is given up by Linux after two minutes; whoever waits on the laptop gives up before. */
const dialWithinMs = 30_000;

/** Brings a laptop's flow to where it wants to go, if it may (design decision 3). */
export async function takeOutboundFlow(
  deps: Deps,
  connectionUid: string,
  flow: IncomingFlow,
): Promise<void> {
  const desired = deps.desired();
  const log = deps.log.child({ connection: connectionUid, to: flow.authority, kind: flow.kind });
  if (desired?.connections.has(connectionUid) !== true) {
    flow.refuse('Forbidden');
    return;
  }
  const named = flow.headers[interceptHeader];
  if (named !== undefined) {
    await takePodFlow({ ...deps, log }, { connectionUid, interceptUid: String(named) }, flow);
    return;
  }
  const decision = decideDial(flow.authority, desired.policy);
  if (!decision.ok) {
    log.info('flow refused', { reason: decision.reason });
    flow.refuse('Forbidden');
    return;
  }
  if (desired.ownNamespacesOnly) {
    const why = await deps.reviewDial(connectionUid, decision.host, flow.signal).catch(describe);
    if (why !== undefined) {
      log.info('flow refused', { reason: why });
      flow.refuse('Forbidden');
      return;
    }
  }
  const via = flow.headers[viaHeader];
  if (via !== undefined) {
    const of = { connectionUid, workload: String(via), host: decision.host };
    if (await takeViaFlow({ ...deps, log }, of, flow)) return;
  }
  for (const sessions of deps.dialers(connectionUid, decision.host)) {
    const carried = await carryFlow(flow, sessions);
    if (carried.kind === 'refused') log.debug('flow not opened', { reason: carried.error.message });
    if (carried.kind !== 'unasked' || flow.signal.aborted) return;
  }
  if (flow.kind === 'tcp') await dialHere(deps, flow, decision, log);
  else deps.datagrams[flow.kind](flow, decision);
}

async function dialHere(
  deps: { readonly clock: Pick<Clock, 'after'> },
  flow: IncomingFlow,
  target: { readonly host: string; readonly port: number },
  log: Logger,
): Promise<void> {
  const what = `dial ${target.host}:${String(target.port)}`;
  const waiting = { ms: dialWithinMs, what, signal: flow.signal };
  try {
    const socket = await withDeadline(deps, waiting, async (signal) => await dial(target, signal));
    splice(flow.accept().stream, socket);
  } catch (error) {
    log.debug('dial failed', { reason: describe(error) });
    flow.refuse(refusalForDial(error));
  }
}

async function dial(
  target: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<net.Socket> {
  const connected = Promise.withResolvers<net.Socket>();
  const socket = net.connect({ ...target, allowHalfOpen: true, noDelay: true });
  const giveUp = (): void => {
    socket.destroy();
    connected.reject(toError(signal.reason));
  };
  signal.addEventListener('abort', giveUp, { once: true });
  socket.on('error', connected.reject);
  socket.once('connect', () => connected.resolve(socket));
  try {
    return await connected.promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}
