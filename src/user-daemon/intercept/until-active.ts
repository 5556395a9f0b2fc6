import type { Clock } from '#base/clock.ts';
import { toError } from '#base/errors.ts';
import { DeadlineError, withDeadline } from '#base/wait.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept } from '#protocol/resources.ts';
import { UserDaemonError } from '../errors.ts';
import type { LocalPort } from './intercept-table.ts';
import { laptopTargets } from './laptop-targets.ts';
import type { OwnIntercepts } from './own-intercepts.ts';

/** Says what is waited for; a warning where it will most likely not come by waiting. */
export type Report = (text: string, kind?: 'progress' | 'warning') => void;

const usualActiveMs = 30_000;
/** Pods that end may take as long as their container is given, and there may be several. */
const usualReplacedMs = 120_000;
/** Reasons of a waiting Intercept that want somebody's hand; pods are missing while they are made anew, too. */
const troubles: ReadonlySet<string> = new Set(['AgentUnreachable', 'AgentMissing']);

/** How it is waited for an intercept. */
export interface Waiting {
  readonly report: Report;
  /** Throws where a port of the laptop cannot serve it. */
  readonly check: (targets: readonly LocalPort[]) => void;
  readonly signal: AbortSignal;
}

interface WaitDeps {
  readonly clock: Clock;
  readonly own: Pick<OwnIntercepts, 'until'>;
  /** How long an intercept may take to become active. */
  readonly activeMs?: number;
}

/** Resolves when it is active, and rejects with why it never will be. */
export async function untilActive(
  deps: WaitDeps,
  created: Intercept,
  options: Waiting,
): Promise<Intercept> {
  const { uid, namespace } = created.metadata;
  const isReplaced = created.spec.replaceContainer === true;
  const { activeMs = isReplaced ? usualReplacedMs : usualActiveMs } = deps;
  let seen = false;
  let last = '';
  const look = (intercept: Intercept | undefined): Intercept | Error | undefined => {
    if (intercept === undefined) {
      // It was there, or it is not yet in the watch.
      return seen ? gone(created) : undefined;
    }
    seen = true;
    const { ports, protocol } = intercept.status;
    try {
      // It may turn out to be other ports than it looked like.
      if (ports !== undefined || protocol !== undefined) options.check(laptopTargets(intercept));
    } catch (error) {
      return toError(error);
    }
    const { state, message = '', reason = '' } = intercept.status;
    if (state === 'Active') return intercept;
    if (state === 'Error') {
      return new UserDaemonError('InterceptFailed', message === '' ? reason : message, {
        facts: { reason, name: created.spec.name },
      });
    }
    if (message !== last) {
      last = message;
      options.report(message, troubles.has(reason) ? 'warning' : 'progress');
    }
    return undefined;
  };
  try {
    const found = await withDeadline(
      deps,
      { ms: activeMs, what: `intercept ${created.spec.name}`, signal: options.signal },
      async (signal) => await deps.own.until(namespace, uid, look, signal),
    );
    if (found instanceof Error) throw found;
    return found;
  } catch (error) {
    if (!(error instanceof DeadlineError)) throw error;
    const why = last === '' ? 'the traffic-manager says nothing of it' : last;
    throw new UserDaemonError('InterceptTimeout', `${why} (waited ${String(activeMs / 1000)} s)`, {
      cause: error,
      facts: { mode: modeOf(created.spec) },
    });
  }
}

function gone({ spec }: Intercept): UserDaemonError {
  return new UserDaemonError('InterceptGone', `intercept ${spec.name} was deleted`, {
    facts: { name: spec.name, mode: modeOf(spec) },
  });
}
