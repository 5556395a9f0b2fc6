import { apiLevels } from '#protocol/api-levels.ts';
import type { Connection, ConnectionStatus } from '#protocol/resources.ts';
import { lastingLevel } from './asked-log-level.ts';
import type { PlannedVia } from './via.ts';
import { isElsewhere, presenceIn, withoutGone, type Replicas } from './replicas.ts';

/** What the manager says of itself in every Connection. */
export interface ManagerIdentity {
  /** Base64 of the Ed25519 public key. */
  readonly publicKey: string;
  /** PEM of the CA of the relay's certificate. */
  readonly ca: string;
  readonly version: string;
}

/** The status of a Connection as the facts are. */
export function connectionStatusOf(
  connection: Connection,
  manager: ManagerIdentity,
  facts: {
    /** This replica holds reverse sessions of the laptop. */
    readonly here: boolean;
    readonly replicas: Replicas;
    readonly nowMs: number;
    /** How far the workloads are that it names. */
    readonly vias: readonly PlannedVia[];
  },
): ConnectionStatus {
  const { status } = connection;
  const logLevel = lastingLevel(status, facts.nowMs);
  const { here, replicas, nowMs, vias } = facts;
  const presence = presenceIn(status, { here, own: replicas.own, nowMs });
  const said = {
    managerKey: manager.publicKey,
    managerCa: manager.ca,
    managerVersion: manager.version,
    ...(logLevel === undefined ? {} : { logLevel }),
    ...(vias.length === 0 ? {} : { via: viasOf(vias) }),
    ...presence,
    ...withoutGone(presence, replicas, nowMs),
    apiLevels: { ...apiLevels },
  };
  if (here || isElsewhere(status, replicas, nowMs)) return { ...said, state: 'Connected' };
  // A Connection whose laptop has not come yet is neither.
  if (status.state === undefined) return said;
  const since = status.state === 'Disconnected' ? status.disconnectedSince : undefined;
  return {
    ...said,
    state: 'Disconnected',
    disconnectedSince: since ?? new Date(nowMs).toISOString(),
  };
}

function viasOf(vias: readonly PlannedVia[]): NonNullable<ConnectionStatus['via']> {
  return Object.fromEntries(vias.map(({ workload, status }) => [workload, status]));
}
