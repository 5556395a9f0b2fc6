import type { PortProtocol } from '#protocol/agent-config.ts';

import type { TakeOutcome, Takes, WantedTake } from './takes.ts';

/** What is taken, of every protocol. */
export interface AllTakes extends Omit<Takes, 'takerOf' | 'tapsOf'> {
  /** It is in force. */
  has(take: WantedTake): boolean;
}

/** Both together, as one. */
export function joinTakes(each: Readonly<Record<PortProtocol, Takes>>): AllTakes {
  const both = [each.TCP, each.UDP];
  let others: readonly WantedTake[] = [];
  const all = async (
    run: (takes: Takes) => Promise<readonly TakeOutcome[]>,
  ): Promise<readonly TakeOutcome[]> => {
    const known = await Promise.all(both.map(run));
    return [...known.flat(), ...others.map(notTaken)];
  };
  return {
    async apply(wanted) {
      others = wanted.filter(({ protocol }) => !isProtocol(protocol));
      return await all(async (takes) => await takes.apply(wanted));
    },
    setReachable: async (reachable) =>
      await all(async (takes) => await takes.setReachable(reachable)),
    has: ({ protocol, containerPort, interceptUid }) =>
      isProtocol(protocol) && each[protocol].takerOf(containerPort) === interceptUid,
    wants: (interceptUid) => both.some((takes) => takes.wants(interceptUid)),
    get any() {
      return both.some((takes) => takes.any);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(both.map(async (takes) => await takes[Symbol.asyncDispose]()));
    },
  };
}

function isProtocol(protocol: string): protocol is PortProtocol {
  return protocol === 'TCP' || protocol === 'UDP';
}

function notTaken({ interceptUid, protocol }: WantedTake): TakeOutcome {
  return { interceptUid, active: false, message: `${protocol} ports cannot be taken` };
}
