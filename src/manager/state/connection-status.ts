import type { Connection, ConnectionStatus } from '#protocol/resources.ts';
import { lastingLevel } from './asked-log-level.ts';

/** What the manager says of itself in every Connection. */
export interface ManagerIdentity {
  /** Base64 of the Ed25519 public key. */
  readonly publicKey: string;
  /** PEM of the CA of the relay's certificate. */
  readonly ca: string;
  readonly version: string;
}

/** `status.renewTime` of a live Connection is at most this old. */
export const renewEveryMs = 30_000;

/** The status of a Connection as the facts are. */
export function connectionStatusOf(
  connection: Connection,
  manager: ManagerIdentity,
  facts: { readonly live: boolean; readonly nowMs: number },
): ConnectionStatus {
  const { status } = connection;
  const now = new Date(facts.nowMs).toISOString();
  const logLevel = lastingLevel(status, facts.nowMs);
  const said = {
    managerKey: manager.publicKey,
    managerCa: manager.ca,
    managerVersion: manager.version,
    ...(logLevel === undefined ? {} : { logLevel }),
  };
  if (facts.live) {
    return { ...said, state: 'Connected', renewTime: isFresh(status, facts.nowMs) ?? now };
  }
  const seen = status.renewTime === undefined ? {} : { renewTime: status.renewTime };
  // A Connection whose laptop has not come yet is neither.
  if (status.state === undefined) return { ...said, ...seen };
  const since = status.state === 'Disconnected' ? status.disconnectedSince : undefined;
  return { ...said, ...seen, state: 'Disconnected', disconnectedSince: since ?? now };
}

function isFresh(status: ConnectionStatus, nowMs: number): string | undefined {
  if (status.state !== 'Connected' || status.renewTime === undefined) return undefined;
  return nowMs - Date.parse(status.renewTime) < renewEveryMs ? status.renewTime : undefined;
}
