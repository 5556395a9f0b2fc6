import * as v from 'valibot';
import { logLevels } from '#base/log.ts';

/** What the controller hands to its relay on standard input, once: no file, no environment. */
export const relaySettings = v.object({
  socketPath: v.string(),
  ports: v.object({ api: v.number(), agents: v.number() }),
  tls: v.object({ cert: v.string(), key: v.string() }),
  /** The manager's Ed25519 key as JWK. */
  managerKey: v.string(),
  /** Addresses of this pod: never dialled. */
  ownAddresses: v.array(v.string()),
  logLevel: v.picklist(logLevels),
});
export type RelaySettings = v.InferOutput<typeof relaySettings>;
