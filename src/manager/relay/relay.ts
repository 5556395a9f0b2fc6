import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { turnLevel, type LevelSwitch, type Logger } from '#base/log.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { importSigner } from '#tunnel/keys.ts';
import { serveAgents } from './agents-server.ts';
import { serveApi } from './api-server.ts';
import { desiredOf, type Desired } from './desired.ts';
import { enterAgent, enterLaptop } from './entrance.ts';
import { createEveryone } from './everyone.ts';
import { openControllerLink } from './link.ts';
import { createLivenessBoard } from './liveness-board.ts';
import { createRouting } from './routing.ts';
import type { RelaySettings } from './settings.ts';
import { until } from './until.ts';
import { windowsByOwner } from './windows-by-owner.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  /** What `log` listens to; turned when the controller says so. */
  readonly level?: LevelSwitch;
}

/** A relay that runs. */
export interface Relay extends AsyncDisposable {
  readonly apiPort: number;
  readonly agentsPort: number;
  /** Resolves when the controller's line has ended; then the relay is of no use any more. */
  readonly ended: Promise<void>;
  /**
   * Lets nobody in any more and asks laptops for sessions elsewhere; resolves when all have gone, or
   * after five seconds. What they have open until then goes on.
   */
  drain(): Promise<void>;
}

/** Decision 6 gives connections at a switch as long. */
const drainMs = 5000;
/** How much later than another manager we may hear of a Connection. */
const hearMs = 1000;

/**
 * Starts the authenticated router of bytes (brain = controller, relay = router). It has no Kubernetes
 * credentials and does what the controller's desired state says.
 */
export async function startRelay(
  deps: Deps,
  settings: RelaySettings,
  signal: AbortSignal,
): Promise<Relay> {
  const { log, clock } = deps;
  let desired: Desired | undefined;
  let draining = false;
  const news = new EventTarget();
  let onChange = (): void => {};
  const everyone = createEveryone(() => onChange());
  const board = createLivenessBoard(deps);
  const routing = createRouting({
    log,
    clock,
    desired: () => desired,
    everyone,
    board,
    reviewDial: async (uid, host, waiting) => await link.reviewDial(uid, host, waiting),
  });
  const windows = windowsByOwner(deps);
  const entering = { log, clock, everyone, board, windows, routing };
  const options = { socketPath: settings.socketPath, signal };

  await using opening = new AsyncDisposableStack();
  const facts = () => everyone.facts(desired?.epoch ?? 0n);
  const link = opening.use(await openControllerLink({ log, clock, facts }, options));
  onChange = () => {
    link.tell();
    news.dispatchEvent(new Event('change'));
  };
  const api = opening.use(
    await serveApi(
      { log, clock, signer: importSigner(settings.managerKey) },
      {
        tls: settings.tls,
        port: settings.ports.api,
        isOpen: () => desired !== undefined && !draining,
        find: async (namespace, name) => {
          const named = () => desired?.named(namespace, name);
          await until(deps, news, () => named() !== undefined, { ms: hearMs, signal });
          return named();
        },
        onLaptop: async (...laptop) => await enterLaptop(entering, options, ...laptop),
        signal,
      },
    ),
  );
  const agents = opening.use(
    await serveAgents(deps, {
      tls: settings.tls,
      port: settings.ports.agents,
      review: async (token) => await link.reviewAgent(token, signal),
      onAgent: async (...agent) => await enterAgent(entering, options, ...agent),
      signal,
    }),
  );

  const apply = (next: Desired): void => {
    const gone = [...(desired?.connections.keys() ?? [])].filter(
      (uid) => !next.connections.has(uid),
    );
    desired = next;
    for (const uid of gone) {
      everyone.endLaptop(uid, new TunnelError('Lost', 'the connection was removed'));
    }
    const busy = busyIn(next);
    board.setBusy((owner) => busy.has(owner));
    onChange();
  };
  const serve = async (): Promise<void> => {
    try {
      for await (const message of link.desired) {
        turnLevel({ log, level: deps.level }, message.logLevel);
        apply(desiredOf(message, settings.ownAddresses));
      }
    } catch (error) {
      if (!signal.aborted) log.error('controller lost', { reason: describe(error) });
    }
  };
  const ended = serve();

  const running = opening.move();
  return {
    apiPort: api.address.port,
    agentsPort: agents.address.port,
    ended,
    async drain() {
      draining = true;
      const { outbound, reverse } = everyone.laptops;
      for (const sets of [outbound, reverse]) {
        for (const session of sets.all()) session.askForRenewal();
      }
      const isEmpty = (): boolean => outbound.all().length + reverse.all().length === 0;
      await until(deps, news, isEmpty, { ms: drainMs, signal });
    },
    async [Symbol.asyncDispose]() {
      everyone.endAll(new TunnelError('Lost', 'the manager stops'));
      await running.disposeAsync();
      await ended;
    },
  };
}

/** Laptops and pods that are part of an intercept: their links are watched more closely. */
function busyIn(desired: Desired): ReadonlySet<string> {
  const busy = new Set<string>();
  for (const intercept of desired.intercepts.values()) {
    busy.add(intercept.connectionUid);
    for (const podUid of intercept.podUids) busy.add(podUid);
  }
  return busy;
}
