import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import {
  AgentControl,
  Cluster,
  RelayDesiredSchema,
  RelayLink,
  type RelayFacts,
} from '#protocol/gen/telepresence_pb.ts';
import { serveControllerSocket } from '../controller/socket-server.ts';

/** An agent that the tests' API server would know by its token. */
export interface KnownAgent {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

/** For tests: a controller that wants what it is told and remembers what it hears. */
export interface TestController extends AsyncDisposable {
  readonly socketPath: string;
  /** Tokens and whose they are. */
  readonly tokens: Map<string, KnownAgent>;
  /** Addresses that a review of a dial allows. */
  readonly allowed: Set<string>;
  /** Who has called over a control connection. */
  readonly callers: string[];
  want(desired: MessageInitShape<typeof RelayDesiredSchema>): Promise<void>;
  /** Resolves with the first facts that `look` accepts. */
  facts(look: (facts: RelayFacts) => boolean): Promise<RelayFacts>;
}

/** Starts it. */
export async function testController(): Promise<TestController> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-relay-'));
  const socketPath = path.join(folder, 'controller.sock');
  const events = new EventTarget();
  const stop = new AbortController();
  const tokens = new Map<string, KnownAgent>();
  const callers: string[] = [];
  const allowed = new Set<string>();
  let epoch = 1n;
  let wanted: MessageInitShape<typeof RelayDesiredSchema> = {};
  let heard: RelayFacts | undefined;

  const server = await serveControllerSocket(
    { log: silentLogger, clock: systemClock },
    {
      path: socketPath,
      signal: stop.signal,
      services: {
        laptop: (router, uid) =>
          void router.service(Cluster, {
            lookup: () => {
              callers.push(`laptop ${uid}`);
              return { answer: new Uint8Array([7]) };
            },
          }),
        agent: (router, identity) =>
          void router.service(AgentControl, {
            reportTakes: () => {
              callers.push(`agent ${identity.podUid}`);
              return {};
            },
          }),
        relay: (router) =>
          void router.service(RelayLink, {
            async *watchDesired(_request, { signal }) {
              while (!signal.aborted) {
                const changed = once(events, 'wanted', { signal });
                yield create(RelayDesiredSchema, { ...wanted, epoch });
                await changed;
              }
            },
            reportFacts(facts) {
              heard = facts;
              events.dispatchEvent(new Event('heard'));
              return {};
            },
            reviewAgent({ token }) {
              const identity = tokens.get(token);
              if (identity === undefined) return { authenticated: false, message: 'not a token' };
              return { authenticated: true, identity };
            },
            reviewDial({ address }) {
              return { allowed: allowed.has(address), message: 'not in an open namespace' };
            },
          }),
      },
    },
  );

  const controller: TestController = {
    socketPath,
    tokens,
    callers,
    allowed,
    async want(desired) {
      wanted = desired;
      epoch += 1n;
      events.dispatchEvent(new Event('wanted'));
      await controller.facts((facts) => facts.epoch === epoch);
    },
    async facts(look) {
      const deadline = AbortSignal.timeout(5000);
      for (;;) {
        if (heard !== undefined && look(heard)) return heard;
        await once(events, 'heard', { signal: deadline });
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return controller;
}
