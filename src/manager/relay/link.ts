import { createClient } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import type { AgentIdentity, RelayDesired, RelayFacts } from '#protocol/gen/telepresence_pb.ts';
import { RelayLink } from '#protocol/gen/telepresence_pb.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { TunnelError } from '#tunnel/errors.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';
import { connectController } from './control-pipe.ts';

/** What the relay tells, without protobuf's own fields. */
export type Facts = Pick<RelayFacts, 'epoch' | 'laptops' | 'agents'>;

/** The relay's line to the controller. */
export interface ControllerLink extends AsyncDisposable {
  /** Ends when the line does: a relay without its controller is of no use. */
  readonly desired: AsyncIterable<RelayDesired>;
  /** Tells the facts of the moment, soon; many changes become one report. */
  tell(): void;
  /** Whose token that is; throws a TunnelError for nobody's. */
  reviewAgent(token: string, signal: AbortSignal): Promise<AgentIdentity>;
  /** Why a laptop may not dial an address; undefined when it may. */
  reviewDial(
    connectionUid: string,
    address: string,
    signal: AbortSignal,
  ): Promise<string | undefined>;
}

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly facts: () => Facts;
}

const reviewMs = 5000;

/** Opens the line on the controller's socket. */
export async function openControllerLink(
  deps: Deps,
  options: { readonly socketPath: string; readonly signal: AbortSignal },
): Promise<ControllerLink> {
  const { signal } = options;
  const socket = await connectController(
    options.socketPath,
    { kind: { case: 'relay', value: {} } },
    signal,
  );
  const session = openClientSession(socket, deps);
  const client = createClient(RelayLink, rpcTransport(session));
  let wanted = false;
  let telling = false;

  const tellAll = async (): Promise<void> => {
    telling = true;
    // Everything that happens in this turn goes into one report.
    await Promise.resolve();
    while (wanted && session.isOpen) {
      wanted = false;
      await client.reportFacts(deps.facts()).catch(() => {
        // The line has ended, and `desired` with it.
      });
    }
    telling = false;
  };

  return {
    desired: client.watchDesired({}, { signal }),
    tell() {
      wanted = true;
      if (!telling) void tellAll();
    },
    async reviewAgent(token, waiting) {
      const answer = await withDeadline(
        deps,
        { ms: reviewMs, what: 'token review', signal: waiting },
        async (within) => await client.reviewAgent({ token }, { signal: within }),
      );
      if (!answer.authenticated || answer.identity === undefined) {
        throw new TunnelError('Unproven', answer.message);
      }
      return answer.identity;
    },
    async reviewDial(connectionUid, address, waiting) {
      const answer = await withDeadline(
        deps,
        { ms: reviewMs, what: 'review of a dial', signal: waiting },
        async (within) => await client.reviewDial({ connectionUid, address }, { signal: within }),
      );
      return answer.allowed ? undefined : answer.message;
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
