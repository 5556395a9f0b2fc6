import type { Client } from '@connectrpc/connect';

import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { AgentControl } from '#protocol/gen/telepresence_pb.ts';

import type { TakeOutcome } from '../take/takes.ts';

/** What the manager is told: which list of takes this is about, and what became of each. */
export interface TakesFact {
  readonly epoch: bigint;
  readonly outcomes: readonly TakeOutcome[];
}

/** Tells the manager the newest fact whenever there is one and somebody to tell. */
export interface Reporter {
  /** The newest fact; older ones that have not been told yet are dropped. */
  report(fact: TakesFact): void;
  /** Whom to tell from now on. */
  attach(client: Listener): void;
  /** This one cannot be told any more; a newer one goes on being told. */
  detach(client: Listener): void;
}

type Listener = Pick<Client<typeof AgentControl>, 'reportTakes'>;

/** A reporter with one call under way at a time. */
export function createReporter(deps: { readonly log: Logger }): Reporter {
  let untold: TakesFact | undefined;
  let listener: Listener | undefined;
  let telling = false;

  const tell = async (): Promise<void> => {
    if (telling) return;
    telling = true;
    try {
      while (untold !== undefined && listener !== undefined) {
        const fact = untold;
        const to = listener;
        untold = undefined;
        try {
          await to.reportTakes({ epoch: fact.epoch, states: [...fact.outcomes] });
        } catch (error) {
          deps.log.debug('takes not reported', { reason: describe(error) });
          untold ??= fact;
          // Told again to the next listener; this one's session is ending.
          if (listener === to) listener = undefined;
        }
      }
    } finally {
      telling = false;
    }
  };

  return {
    report(fact) {
      untold = fact;
      void tell();
    },
    attach(client) {
      listener = client;
      void tell();
    },
    detach(client) {
      if (listener === client) listener = undefined;
    },
  };
}
