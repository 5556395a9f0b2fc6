import { isIP, isIPv6, type Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { answerWithinMs } from '#tunnel/liveness.ts';
import { resetEnd } from '#tunnel/splice.ts';

import { look } from '../probe/look.ts';
import { AppError, dialApp } from './app.ts';
import type { Copies } from './copies.ts';
import type { Arrival, Joined } from './joined.ts';
import { offer, type Doubts } from './offer.ts';
import type { Takes } from './takes.ts';

/** A session to the manager by which taken connections can go, and its shortest round trip. */
export interface Inbound {
  readonly session: Pick<ClientSession, 'beginFlow' | 'unsentBytes' | 'openFlows'>;
  readonly rttMs: number | undefined;
}

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  readonly takes: Pick<Takes, 'takerOf' | 'tapsOf'>;
  /** The agent listens there in the app's place, so that there is no app. */
  readonly standsAt: (port: number) => boolean;
  readonly copies: Pick<Copies, 'copy'>;
  readonly joined: Pick<Joined, 'arrive' | 'moved'>;
  readonly doubts: Doubts;
  /** The ways to the laptop of an intercept, the best first; empty while there is none. */
  readonly inbound: (interceptUid: string) => readonly Inbound[];
  /** Where the kubelet's probes come from, which are the app's whoever has the port. */
  readonly nodeAddresses: ReadonlySet<string>;
}

/**
 * Brings a paused connection that came to the agent for `port` to the laptop that has the port,
 * or, where nobody answers for it, to the app. A refusal of either is passed on as a reset.
 */
export async function bring(
  deps: Deps,
  socket: Socket,
  options: { readonly podIps: readonly [string, ...string[]]; readonly port: number },
  signal: AbortSignal,
): Promise<void> {
  const { port } = options;
  using arrival = deps.joined.arrive(port);
  try {
    const isProbe = await isKubelets(deps, socket, port, signal);
    if (isProbe === undefined) return;
    const interceptUid = isProbe ? undefined : deps.takes.takerOf(port);
    if (
      interceptUid !== undefined &&
      (await bringToLaptop(deps, socket, { port, arrival }, interceptUid))
    ) {
      return;
    }
    if (deps.standsAt(port)) throw new AppError('AppRefused', 'the app has stepped aside');
    const app = await dialApp({ podIp: dialled(socket, options.podIps), port }, signal);
    // Who was looked at is known; else the copy itself looks, as nothing may wait for it.
    const fromNode = deps.nodeAddresses.has(socket.remoteAddress ?? '');
    if (!isProbe) copy(deps, socket, { port, mayBeProbe: fromNode && interceptUid === undefined });
    arrival.join({ client: socket, server: app }, 'app');
  } catch (error) {
    deps.log.debug('connection reset', { port, reason: describe(error) });
    resetEnd(socket, toError(error));
  }
}

function copy(
  { takes, copies }: Pick<Deps, 'takes' | 'copies'>,
  socket: Socket,
  {
    port,
    ...rest
  }: { readonly port: number; readonly first?: Buffer | undefined; readonly mayBeProbe: boolean },
): void {
  const interceptUids = takes.tapsOf(port);
  if (interceptUids.length > 0) copies.copy(socket, { interceptUids, ...rest });
}

/** The pod's address of the family in which it was asked: an app may listen on one only. */
function dialled(socket: Socket, podIps: readonly [string, ...string[]]): string {
  const family = isIPv6(socket.localAddress ?? '') ? 6 : 4;
  return podIps.find((one) => isIP(one) === family) ?? podIps[0];
}

/** Whether the connection needs nobody else: the laptop has it, or has refused it, or it has ended. */
async function bringToLaptop(
  deps: Deps,
  socket: Socket,
  { port, arrival }: { readonly port: number; readonly arrival: Arrival },
  interceptUid: string,
): Promise<boolean> {
  for (const { session, rttMs } of deps.inbound(interceptUid)) {
    const answer = await offer({ ...deps, session }, socket, {
      interceptUid,
      port,
      patienceMs: answerWithinMs(rttMs),
    });
    switch (answer.kind) {
      case 'taken':
        if (answer.again) deps.log.info('laptop answers again', { port });
        copy(deps, socket, { port, first: answer.first, mayBeProbe: false });
        arrival.join({ client: socket, server: answer.flow.stream }, { interceptUid });
        // Those that the app got while it did not answer are not the app's for as long as they are kept.
        if (answer.again && deps.takes.takerOf(port) === interceptUid) {
          deps.joined.moved(port, { interceptUid });
        }
        return true;
      case 'refused':
        deps.log.debug('handler refused', { port, reason: answer.reason });
        resetEnd(socket, new Error(answer.reason));
        return true;
      case 'uncertain':
        deps.log.warning('lost on the way to the laptop', { port, reason: answer.reason });
        resetEnd(socket, new Error(answer.reason));
        return true;
      case 'unanswered':
        if (socket.destroyed) return true;
        deps.log.warning('laptop did not answer', { port, reason: answer.reason });
    }
    // Another manager may have the laptop where this one has lost it; silence is the laptop's own.
    if (!answer.lost) break;
  }
  return false;
}

/**
 * Whether a connection to a taken port is a probe; undefined when it has ended without a byte. A
 * probe that only connects was answered by the kernel already: nobody needs to hear of it.
 */
async function isKubelets(
  deps: Deps,
  socket: Socket,
  port: number,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  if (!deps.nodeAddresses.has(socket.remoteAddress ?? '')) return false;
  if (deps.takes.takerOf(port) === undefined) return false;
  const seen = await look(deps, socket, signal);
  if (seen === 'nobody') {
    socket.destroy();
    return undefined;
  }
  return seen === 'kubelet';
}
