import { createClient } from '@connectrpc/connect';

import { AgentControl, type Take, type Takes } from '#protocol/gen/telepresence_pb.ts';
import type { ClientSession } from '#tunnel/client-session.ts';
import { rpcTransport } from '#tunnel/rpc-transport.ts';

import type { WantedTake } from '../take/takes.ts';
import type { Reporter } from './report.ts';

/** One list of takes as the manager wants them. */
export interface WantedTakes {
  readonly epoch: bigint;
  readonly takes: readonly WantedTake[];
  /** Empty: the agent's own. */
  readonly logLevel: string;
  /** Addresses of all managers. */
  readonly managers: readonly string[];
}

/**
 * Follows what the manager wants over one control session, and lets the reporter tell it what
 * became of it. Ends with the call's error, or quietly when the manager ends it.
 */
export async function watchTakes(
  deps: {
    readonly session: Pick<ClientSession, 'request'>;
    readonly reporter: Pick<Reporter, 'attach' | 'detach'>;
    readonly onWanted: (wanted: WantedTakes) => void;
  },
  options: { readonly agentVersion: string; readonly podIp: string },
  signal: AbortSignal,
): Promise<void> {
  const client = createClient(AgentControl, rpcTransport(deps.session));
  try {
    for await (const update of client.watchTakes(options, { signal })) {
      deps.onWanted(wantedOf(update));
      deps.reporter.attach(client);
    }
  } finally {
    deps.reporter.detach(client);
  }
}

function wantedOf(update: Takes): WantedTakes {
  return {
    epoch: update.epoch,
    logLevel: update.logLevel,
    managers: update.managers,
    takes: [
      ...update.takes.map(wantedTake),
      ...update.containerDatagrams.map(wantedTake),
      ...update.wiretaps.map((one) => ({ ...wantedTake(one), mode: 'wiretap' as const })),
      ...update.ingests.map((interceptUid) => ({
        mode: 'ingest' as const,
        interceptUid,
        containerPort: 0,
        // It has to be somebody's.
        protocol: 'TCP',
      })),
    ],
  };
}

function wantedTake({ interceptUid, containerPort, protocol, aside }: Take): WantedTake {
  return { interceptUid, containerPort, protocol, ...(aside ? { aside } : {}) };
}
