import { once } from 'node:events';

import { connectNodeAdapter } from '@connectrpc/connect-node';

import { AgentControl, type TakesReport } from '#protocol/gen/telepresence_pb.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { serveSession, type IncomingFlow } from '#tunnel/server-session.ts';
import { sessionDeps } from '#tunnel/session.fixture.ts';

import type { WantedTake } from '../take/takes.ts';
import { testRelay, type TestRelay } from './relay.ts';

/** For tests: a manager with one agent, whose laptop does what `onFlow` says. */
export interface TestManager extends AsyncDisposable {
  readonly relay: TestRelay;
  /** What the laptop's side does with a connection; may be exchanged. */
  onFlow: (flow: IncomingFlow) => void;
  /** Tells the agent what to take and where managers are, now and after each reconnect. */
  want(takes: readonly WantedTake[], managers?: readonly string[]): void;
  /** Waits until the newest list was reported to be so, for that reason; returns the reasons. */
  reported(active: boolean, why?: RegExp): Promise<readonly string[]>;
  /** Waits until the states that were reported last are so, whatever list they belong to. */
  told(look: (states: TakesReport['states']) => boolean): Promise<void>;
  /** The agent's outbound session. */
  outbound(): Promise<ClientSession>;
}

/** Starts it. */
export async function testManager(
  options: { readonly host?: string; readonly port?: number } = {},
): Promise<TestManager> {
  let wanted: readonly WantedTake[] = [];
  let everywhere: readonly string[] = [];
  let epoch = 0n;
  const changes = new EventTarget();
  const reports: TakesReport[] = [];
  let outbound: ClientSession | undefined;

  const rpc = connectNodeAdapter({
    routes: (router) =>
      void router.service(AgentControl, {
        async *watchTakes(_request, { signal }) {
          while (!signal.aborted) {
            const changed = once(changes, 'wanted', { signal });
            yield { epoch, takes: [...wanted], managers: [...everywhere] };
            await changed;
          }
        },
        reportTakes(report) {
          reports.push(report);
          changes.dispatchEvent(new Event('reported'));
          return {};
        },
      }),
  });

  const manager: TestManager = {
    onFlow: (flow) => flow.refuse('Unavailable'),
    relay: await testRelay({
      ...options,
      token: 'token of the pod',
      onAgent(role, socket) {
        switch (role) {
          case 'control':
            serveSession(socket, { ...sessionDeps, rpc });
            return;
          case 'inbound':
            serveSession(socket, { ...sessionDeps, onFlow: (flow) => manager.onFlow(flow) });
            return;
          case 'outbound':
            outbound = openClientSession(socket, sessionDeps);
            changes.dispatchEvent(new Event('outbound'));
        }
      },
    }),
    want(takes, managers = everywhere) {
      wanted = takes;
      everywhere = managers;
      epoch += 1n;
      changes.dispatchEvent(new Event('wanted'));
    },
    async reported(active, why = /^/) {
      const deadline = AbortSignal.timeout(5000);
      for (;;) {
        const last = reports.at(-1);
        const isSo = last?.states.every((one) => one.active === active && why.test(one.message));
        if (last?.epoch === epoch && isSo === true) return last.states.map((one) => one.message);
        await once(changes, 'reported', { signal: deadline });
      }
    },
    async told(look) {
      const deadline = AbortSignal.timeout(5000);
      for (;;) {
        const last = reports.at(-1);
        if (last !== undefined && look(last.states)) return;
        await once(changes, 'reported', { signal: deadline });
      }
    },
    async outbound() {
      const deadline = AbortSignal.timeout(5000);
      for (;;) {
        if (outbound?.isOpen === true) return outbound;
        await once(changes, 'outbound', { signal: deadline });
      }
    },
    [Symbol.asyncDispose]: () => manager.relay[Symbol.asyncDispose](),
  };
  return manager;
}
