import type { Clock } from '#base/clock.ts';
import type { LevelSwitch, Logger } from '#base/log.ts';
import type { ManagerConfig } from '#install/manager-config.ts';
import type { KubeClient } from '#kube/client.ts';
import type { Holder } from '../state/lease.ts';
import type { InjectorConfig } from '../webhook/agent-containers.ts';
import type { ClusterDns } from './dns-lookup.ts';

/** What a controller works with. */
export interface ControllerDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** What `log` listens to; turned when a Connection asks for it. */
  readonly level?: LevelSwitch;
}

/** What a controller is told once. */
export interface ControllerOptions {
  readonly config: ManagerConfig;
  readonly injector: InjectorConfig;
  /** Base64 of the manager's Ed25519 public key. */
  readonly publicKey: string;
  /** PEM of the CA of the relay's certificate. */
  readonly ca: string;
  readonly dns: ClusterDns;
  /** Which of the managers this is. */
  readonly own: Holder;
  /** The port of `dns.nameserver`; another one in tests. */
  readonly dnsPort?: number;
  readonly signal: AbortSignal;
}
