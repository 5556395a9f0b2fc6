import { create } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Logger } from '#base/log.ts';
import {
  AgentControl,
  TakeSchema,
  type AgentIdentity,
  type Take,
  type Takes as TakesMessage,
  type TakesReport,
} from '#protocol/gen/telepresence_pb.ts';
import type { PlannedTake } from '../state/served.ts';
import { createLatest, type Latest } from './latest.ts';

interface TakeFact {
  readonly active: boolean;
  readonly message: string;
}

interface Wanted {
  readonly epoch: bigint;
  readonly takes: readonly PlannedTake[];
  readonly logLevel: string;
  readonly managers: readonly string[];
}

interface Connected {
  readonly wanted: Latest<Wanted>;
  states: ReadonlyMap<string, TakeFact>;
}

/** What each agent is to take, and what it says of it. */
export interface AgentHub {
  /**
   * Tells every agent its part, and where managers are; those that are not named take nothing. No
   * level: their own.
   */
  publish(
    takes: ReadonlyMap<string, readonly PlannedTake[]>,
    managers: readonly string[],
    logLevel?: string,
  ): void;
  isAttached(podUid: string): boolean;
  takeState(podUid: string, interceptUid: string): TakeFact | undefined;
  serve(router: ConnectRouter, identity: AgentIdentity): void;
}

/** Its takes, and beside them what an older agent would take, did it know of it. */
function takesMessage(
  planned: readonly PlannedTake[],
): Pick<TakesMessage, 'takes' | 'wiretaps' | 'ingests' | 'containerDatagrams'> {
  const take = ({ interceptUid, containerPort, protocol, aside }: PlannedTake): Take =>
    create(TakeSchema, { interceptUid, containerPort, protocol, aside: aside !== undefined });
  const isNew = ({ protocol, aside }: PlannedTake): boolean =>
    protocol === 'UDP' && aside === 'whole';
  const taken = planned.filter(({ mode }) => mode === undefined);
  return {
    takes: taken.filter((one) => !isNew(one)).map(take),
    containerDatagrams: taken.filter(isNew).map(take),
    wiretaps: planned.filter(({ mode }) => mode === 'wiretap').map(take),
    ingests: planned.filter(({ mode }) => mode === 'ingest').map((one) => one.interceptUid),
  };
}

/** What an agent says of each; of what it does not know it says nothing. */
function statesOf(
  planned: readonly PlannedTake[],
  { states }: Pick<TakesReport, 'states'>,
): ReadonlyMap<string, TakeFact> {
  const message = 'the traffic-agent is of an older version: restart the workload once';
  return new Map([
    ...planned.map(({ interceptUid }) => [interceptUid, { active: false, message }] as const),
    ...byIntercept(states),
  ]);
}

/** An empty hub; `onChange` is called when an agent comes, goes or reports. */
export function createAgentHub(deps: { readonly log: Logger }, onChange: () => void): AgentHub {
  const agents = new Map<string, Connected>();
  let published: ReadonlyMap<string, readonly PlannedTake[]> = new Map();
  let everywhere: readonly string[] = [];
  let level = '';
  let epoch = 0n;
  const takesOf = (podUid: string): Wanted => {
    epoch += 1n;
    return { epoch, takes: published.get(podUid) ?? [], managers: everywhere, logLevel: level };
  };

  return {
    publish(takes, managers, logLevel = '') {
      const isSameLevel = level === logLevel;
      published = takes;
      everywhere = managers;
      level = logLevel;
      for (const [podUid, agent] of agents) {
        const { value } = agent.wanted;
        const next = [takes.get(podUid) ?? [], managers];
        const isSame = JSON.stringify([value.takes, value.managers]) === JSON.stringify(next);
        if (isSame && isSameLevel) continue;
        agent.wanted.set(takesOf(podUid));
      }
    },
    isAttached: (podUid) => agents.has(podUid),
    takeState: (podUid, interceptUid) => agents.get(podUid)?.states.get(interceptUid),
    serve(router, { podUid, pod, namespace }) {
      const log = deps.log.child({ pod, namespace });
      let self: Connected | undefined;
      router.service(AgentControl, {
        async *watchTakes({ agentVersion }, { signal }) {
          const agent: Connected = { wanted: createLatest(takesOf(podUid)), states: new Map() };
          // A new connection of the same agent takes the place of one that is not known to be dead.
          agents.set(podUid, agent);
          self = agent;
          log.info('agent attached', { version: agentVersion });
          onChange();
          try {
            for await (const wanted of agent.wanted.follow(signal)) {
              const { epoch: of, takes, managers, logLevel } = wanted;
              yield { epoch: of, ...takesMessage(takes), managers: [...managers], logLevel };
            }
          } finally {
            if (agents.get(podUid) === agent) {
              agents.delete(podUid);
              log.info('agent detached');
              onChange();
            }
          }
        },
        reportTakes(report) {
          // What is said of an older list is no news.
          if (self !== undefined && report.epoch === self.wanted.value.epoch) {
            self.states = statesOf(self.wanted.value.takes, report);
            onChange();
          }
          return {};
        },
      });
    },
  };
}

/** Of several ports of one intercept all must be taken. */
function byIntercept(
  states: readonly (TakeFact & { readonly interceptUid: string })[],
): ReadonlyMap<string, TakeFact> {
  const facts = new Map<string, TakeFact>();
  for (const { interceptUid, active, message } of states) {
    const before = facts.get(interceptUid);
    if (before?.active === false) continue;
    facts.set(interceptUid, { active, message });
  }
  return facts;
}
