import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { PortProtocol } from '#protocol/agent-config.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { byBusyness } from '#tunnel/connection-set.ts';
import { createReceiveWindows, receiveBudgets } from '#tunnel/receive-windows.ts';
import type { ServeOptions } from '#tunnel/server-session.ts';

import { createReporter } from '../control/report.ts';
import { watchTakes } from '../control/watch.ts';
import type { Inbound } from '../take/accept.ts';
import type { FirstTold } from '../take/first-told.ts';
import type { AllTakes } from '../take/all-takes.ts';
import type { TakeOutcome, WantedTake } from '../take/takes.ts';
import { offers, wantedOf } from '../take/wanted.ts';
import type { ManagerAddress } from './connect.ts';
import { keepManagerLink, type ManagerLink } from './manager-link.ts';
import { keepManagers } from './managers.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly readToken: () => Promise<string>;
  readonly lookup: (host: string) => Promise<readonly string[]>;
  readonly serve: ServeOptions;
  readonly takes: AllTakes;
  /** Hears what managers say first. */
  readonly told: Pick<FirstTold, 'look'>;
  /** Nothing is taken before. */
  readonly listening: Promise<void>;
  readonly onLogLevel: (level: string) => void;
}

interface Options {
  readonly manager: ManagerAddress;
  readonly version: string;
  readonly podIp: string;
}

/** One manager: the way to it, what it wants, and how to answer. */
interface Source {
  readonly link: ManagerLink;
  readonly reporter: ReturnType<typeof createReporter>;
  takes: readonly WantedTake[];
  reachable: boolean;
  epoch: bigint | undefined;
}

/** The agent's managers, and what they want together. */
export interface ConnectedManagers extends AsyncDisposable {
  /** The ways to the laptop that has an intercept, the best first; several where it is with several managers. */
  inbound(interceptUid: string, protocol: PortProtocol): readonly Inbound[];
}

/** Connects to every manager, brings `takes` into line with what they want, and tells each of them. */
export function connectManagers(deps: Deps, options: Options): ConnectedManagers {
  const { takes } = deps;
  const { manager, version, podIp } = options;

  const windows = createReceiveWindows(deps, { budgetBytes: receiveBudgets.agent });

  const settle = async (): Promise<void> => {
    deps.told.look([...managers.links]);
    await deps.listening;
    const wanted = wantedOf(managers.links, (take) => takes.has(take));
    const [, outcomes] = await Promise.all([
      takes.apply(wanted.takes),
      takes.setReachable(wanted.reachable),
    ]);
    tell(outcomes);
  };
  const tell = (outcomes: readonly TakeOutcome[]): void => {
    for (const { link, reporter, epoch } of managers.links) {
      link.setBusy(takes.any);
      // Each is told of all: the one that writes status need not be the one that has the laptop.
      if (epoch !== undefined) reporter.report({ epoch, outcomes });
    }
  };

  const open = (host: string): Source & AsyncDisposable & { readonly isUp: boolean } => {
    const log = deps.log.child({ manager: host });
    const reporter = createReporter(deps);
    let control: ClientSession | undefined;
    const onControl = (session: ClientSession, ended: AbortSignal): void => {
      control = session;
      const onWanted: Parameters<typeof watchTakes>[0]['onWanted'] = (wanted) => {
        source.epoch = wanted.epoch;
        source.takes = wanted.takes;
        deps.onLogLevel(wanted.logLevel);
        managers.told(host, wanted.managers);
        void settle();
      };
      watchTakes({ session, reporter, onWanted }, { agentVersion: version, podIp }, ended)
        .then(() => 'the manager ended the list of takes', describe)
        .then((reason) => {
          session.destroy(new Error(reason));
          if (control === session) managers.told(host, undefined);
        })
        .catch(() => {});
    };
    const link = keepManagerLink(
      {
        ...deps,
        log,
        windows,
        onControl,
        onReachable: (reachable) => {
          source.reachable = reachable;
          void settle();
        },
        onDown: () => managers.down(),
      },
      { ...manager, host },
    );
    const source: Source & AsyncDisposable & { readonly isUp: boolean } = {
      link,
      reporter,
      takes: [],
      reachable: false,
      epoch: undefined,
      get isUp() {
        return link.isUp;
      },
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    };
    return source;
  };
  const managers = keepManagers({ ...deps, open }, manager);

  return {
    inbound: (interceptUid, protocol) =>
      [...managers.links]
        .filter((source) => offers(source, interceptUid, protocol))
        .flatMap(({ link }) => link.inbound() ?? [])
        .toSorted((one, other) => byBusyness(one.session, other.session)),
    [Symbol.asyncDispose]: () => managers[Symbol.asyncDispose](),
  };
}
