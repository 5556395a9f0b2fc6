import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ReadPeerCredentials } from '#host/peer-credentials.ts';

import { createBridgeSplitters, type BridgeSplitters } from './bridge-splitters.ts';
import { askClusterBy, type ClusterAnswers } from './cluster-answers.ts';
import { startSplitter } from './splitter.ts';
import { createUpstream } from './upstream.ts';
import type { NameRule } from './whose-name.ts';

/** The names as they are to be split now. */
export interface DesiredNames {
  readonly rule: NameRule;
  /** Of resolv.conf, in its order. */
  readonly nameservers: readonly string[];
}

/** The running splitter, whose rule and nameservers may change under it. */
export interface NameService extends AsyncDisposable, Pick<BridgeSplitters, 'listenAt'> {
  readonly port: number;
  /** It is asked by IPv6 too. */
  readonly ipv6: boolean;
  apply(desired: DesiredNames): void;
  /** Looks out for one query by UDP, which is not answered. */
  expect(query: Buffer): Disposable & { readonly arrived: Promise<true> };
  /** The nameserver that outside names go to. */
  readonly nameserver: string | undefined;
}

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  readonly readPeerCredentials: ReadPeerCredentials;
}

interface Options {
  /** Whose process answers for the cluster. */
  readonly ownerUid: number;
  readonly signal: AbortSignal;
}

/** The user daemon's time to answer a name. */
export const clusterAnswerMs = 4000;
/** The resolvers of libc wait five seconds by default; what comes later is of no use. */
const upstreamAnswerMs = 5000;
const upstreamPatienceMs = 1200;
const dnsPort = 53;

/** Starts to listen; `desired` holds until the next `apply`. */
export async function startNameService(
  deps: Deps,
  desired: DesiredNames,
  options: Options,
): Promise<NameService> {
  const upstreamOf = ({ nameservers }: DesiredNames) =>
    createUpstream(deps, {
      nameservers,
      port: dnsPort,
      patienceMs: upstreamPatienceMs,
      answerMs: upstreamAnswerMs,
    });
  const clusterOf = ({ rule }: DesiredNames): ClusterAnswers =>
    askClusterBy(deps, {
      socketPath: rule.answerSocket,
      ownerUid: options.ownerUid,
      answerMs: rule.lookupTimeoutMs || clusterAnswerMs,
    });

  let current = desired;
  let upstream = upstreamOf(desired);
  let cluster = clusterOf(desired);
  const expected = new Map<string, () => void>();
  const servers = {
    wasExpected(query: Buffer) {
      const arrived = expected.get(query.toString('latin1'));
      arrived?.();
      return arrived !== undefined;
    },
    log: deps.log,
    names: () => ({ rule: current.rule, cluster }),
    upstream: () => upstream,
  };
  const { signal } = options;
  const splitter = await startSplitter(servers, { hosts: ['127.0.0.1', '::1'], signal });
  const bridges = createBridgeSplitters(servers);
  return {
    port: splitter.port,
    ipv6: splitter.hosts.length > 1,
    expect(query) {
      const key = query.toString('latin1');
      const arrived = Promise.withResolvers<true>();
      expected.set(key, () => arrived.resolve(true));
      return { arrived: arrived.promise, [Symbol.dispose]: () => void expected.delete(key) };
    },
    listenAt: (hosts, asked) => bridges.listenAt(hosts, asked),
    apply(next) {
      if (next.nameservers.join() !== current.nameservers.join()) upstream = upstreamOf(next);
      if (
        next.rule.answerSocket !== current.rule.answerSocket ||
        next.rule.lookupTimeoutMs !== current.rule.lookupTimeoutMs
      ) {
        cluster[Symbol.dispose]();
        cluster = clusterOf(next);
      }
      current = next;
    },
    get nameserver() {
      return upstream.current;
    },
    async [Symbol.asyncDispose]() {
      await bridges[Symbol.asyncDispose]();
      await splitter[Symbol.asyncDispose]();
      cluster[Symbol.dispose]();
    },
  };
}
