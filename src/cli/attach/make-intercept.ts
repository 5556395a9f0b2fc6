import type { InterceptEvent, InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { call, follow } from '../daemon/session.ts';
import type { UserDaemonClient } from '../daemon/user-daemon-client.ts';
import type { InterceptAsked } from './intercept-request.ts';

/** An intercept that is active. */
export interface MadeIntercept {
  readonly info: InterceptInfo;
  /** Resolves with why it has ended: the last that the daemon tells. */
  ended(): Promise<string>;
  leave(): Promise<void>;
}

/** Has it made. While it is held, its stream is what the daemon knows of us: killed, we cannot say goodbye. */
export async function makeIntercept(
  context: CliContext,
  daemon: UserDaemonClient,
  request: InterceptAsked & { readonly hold: boolean; readonly sameHandler?: string[] },
): Promise<MadeIntercept> {
  const events = daemon.intercept(request, { signal: context.signal });
  const info = await follow<InterceptEvent, InterceptInfo>(context, events, ({ event }) => {
    if (event.case === 'progress') return { progress: event.value };
    if (event.case === 'warning') return { warning: event.value };
    return event.case === 'active' ? { result: event.value } : undefined;
  });
  return {
    info,
    ended: async () => {
      const last = await events.next().catch(() => undefined);
      return last?.value?.event.case === 'progress' ? last.value.event.value : '';
    },
    leave: async () => {
      await call(async () => await daemon.leave({ name: info.name, id: info.id }));
    },
  };
}
