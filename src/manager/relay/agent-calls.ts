import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { Agent } from '#protocol/gen/telepresence_pb.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { forwardRequest } from '#tunnel/forward.ts';
import { answerOnly } from '#tunnel/server-session.ts';
import type { Desired } from './desired.ts';
import { endWithIntercept, ownIntercept } from './own-intercept.ts';

interface Deps {
  readonly clock: Pick<Clock, 'every'>;
  readonly log: Logger;
  readonly desired: () => Desired | undefined;
  /** The outbound session of a pod's agent; undefined while there is none. */
  readonly agentOf: (podUid: string) => Pick<ClientSession, 'request' | 'isOpen'> | undefined;
}

const prefix = `/${Agent.typeName}/`;

/**
 * Forwards a laptop's call to the agent of an Intercept that is its own. What is said (a pod's
 * environment) passes through unread. Returns whether the request was one of these.
 */
export function takeAgentCall(
  deps: Deps,
  connectionUid: string,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): boolean {
  if (headers[':path']?.startsWith(prefix) !== true) return false;
  const { [interceptHeader]: named, ...others } = headers;
  const of = { connectionUid, interceptUid: typeof named === 'string' ? named : '' };
  const intercept = ownIntercept(deps.desired(), of);
  if (intercept === undefined) {
    deps.log.info('call refused', { connection: connectionUid, intercept: String(named) });
    answerOnly(stream, { ':status': 403 });
    return true;
  }
  const agent = firstAgent(deps, intercept.podUids);
  if (agent === undefined) {
    answerOnly(stream, { ':status': 503 });
    return true;
  }
  // A call may last as long as the Intercept, and no longer: files are one.
  endWithIntercept(deps, of, stream);
  void forwardRequest(stream, others, agent);
  return true;
}

function firstAgent(
  deps: Deps,
  podUids: Iterable<string>,
): Pick<ClientSession, 'request' | 'isOpen'> | undefined {
  for (const podUid of podUids) {
    const agent = deps.agentOf(podUid);
    if (agent !== undefined) return agent;
  }
  return undefined;
}
