import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ReadOriginalDestination } from '#host/original-destination.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import type { OpenTunQueue } from '#host/tun-queue.ts';
import type { ContainerBridges, followContainerBridges } from '../bridges/container-bridges.ts';
import type { MountMemory } from '../mounts/left-over.ts';
import type { Lender } from '#kube/lent-access.ts';
import type { RootDaemonClient } from './machine.ts';

/** What a session needs of the machine and its user. */
export interface SessionDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomInt: (below: number) => number;
  readonly log: Logger;
  readonly readOriginalDestination: ReadOriginalDestination;
  /** For each new connection to the API server. */
  readonly tuneSocket?: (socket: Socket) => void;
  /** How often a connection proves its rights anew; an hour unless said. */
  readonly renewEveryMs?: number;
  readonly openTunQueue: OpenTunQueue;
  /** Whether this user may open TUN devices at all. */
  readonly canReadDevice: boolean;
  readonly createRootDaemonClient: (socketPath: string) => RootDaemonClient;
  readonly userAgent: string;
  readonly home: string;
  /** user@laptop, for people. */
  readonly client: string;
  readonly installId: string;
  readonly answerSocket: string;
  readonly stateDir: string;
  /** In a container: who reads the kubeconfig and reaches the API server. */
  readonly lender?: Lender;
  /** In a container: the subnets of the networks that it is in. */
  readonly containerSubnets?: () => readonly string[];
  /** Where volumes are mounted, if nobody says where. */
  readonly temporaryDirectory: string;
  readonly mounts: RemoteMounts;
  readonly mountMemory: MountMemory;
  /** Tells of the bridges whose containers reach the cluster too; undefined where there are no containers. */
  readonly followBridges?: (
    onBridges: Parameters<typeof followContainerBridges>[1],
  ) => ContainerBridges;
  /** How many programs want each of this machine's processors. */
  readonly loadPerCpu: () => number;
}
