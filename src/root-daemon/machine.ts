import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import { DeadlineError } from '#base/wait.ts';

import type { RootDaemonError } from './errors.ts';
import { Held } from './held.ts';
import type { MachineDeps, MachineState } from './machine-parts.ts';
import { routedSubnets, type Plan } from './plan.ts';

/** Changes this machine as planned, one change at a time, and takes everything back. */
export interface Machine {
  /** Makes the machine as planned. What fails leaves it as it was, or as we found it. */
  apply(plan: Plan, signal: AbortSignal): Promise<void>;
  /** Takes everything back. */
  release(): Promise<void>;
  readonly state: MachineState | undefined;
  /** Settles when the machine has become another one because of what others have changed in it. */
  readonly changed: Promise<undefined>;
  /** Settles when the kernel loses our rules though nobody asked for it; never while there are none. */
  readonly lost: Promise<RootDaemonError>;
}

const applyMs = 15_000;
/** A VPN or another Wi-Fi brings other nameservers; systemd-resolved is restarted. */
const recheckMs = 5000;

/** A machine as we found it. */
export function createMachine(deps: MachineDeps): Machine {
  let held: Held | undefined;
  let turn: Promise<void> = Promise.resolve();
  const inTurn = async (work: () => Promise<void>): Promise<void> => {
    const before = turn;
    const done = Promise.withResolvers<void>();
    turn = done.promise;
    await before;
    try {
      await work();
    } finally {
      done.resolve();
    }
  };
  let recheck: Disposable | undefined;
  let changed = Promise.withResolvers<undefined>();
  const releaseNow = async (): Promise<void> => {
    recheck?.[Symbol.dispose]();
    recheck = undefined;
    const old = held;
    held = undefined;
    await old?.[Symbol.asyncDispose]();
  };
  const recheckNow = async (): Promise<void> => {
    const plan = held?.state?.plan;
    if (held === undefined || plan === undefined) return;
    const signal = AbortSignal.timeout(applyMs);
    const other = await held.hasOtherResolver(signal);
    if (!other && !(await held.hasNewConflict(signal))) return;
    await held.apply(plan, signal);
    changed.resolve(undefined);
    changed = Promise.withResolvers();
  };
  const failed = (error: unknown): void => {
    deps.log.warning('what others changed is not taken up', { reason: describe(error) });
  };
  return {
    apply: (plan, signal) =>
      inTurn(async () => {
        if (isEmpty(plan)) {
          await releaseNow();
          return;
        }
        using deadline = deadlineOf(deps.clock);
        const inTime = AbortSignal.any([signal, deadline.signal]);
        held ??= await Held.open(deps, inTime);
        recheck ??= deps.clock.every(recheckMs, () => void inTurn(recheckNow).catch(failed));
        try {
          if (!(await held.applyServices(plan, inTime))) await held.apply(plan, inTime);
        } catch (error) {
          if (held.state === undefined) await releaseNow();
          throw error;
        }
      }),
    release: () => inTurn(releaseNow),
    get state() {
      return held?.state;
    },
    get changed() {
      return changed.promise;
    },
    get lost() {
      return held?.lost ?? new Promise<RootDaemonError>(() => {});
    },
  };
}

/** Every step of a change heeds it, so that a change has really ended when the next one begins. */
function deadlineOf(clock: Pick<Clock, 'after'>): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = clock.after(applyMs, () =>
    controller.abort(
      new DeadlineError('DeadlineExceeded', `the machine was not changed within ${applyMs} ms`),
    ),
  );
  return { signal: controller.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function isEmpty(plan: Plan): boolean {
  return routedSubnets(plan).length === 0 && plan.names === undefined;
}
