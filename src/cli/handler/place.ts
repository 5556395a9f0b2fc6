import { connectionLabel, handlerLabel, laptopLabel } from '#docker/ours.ts';
import type { DescribeResponse } from '#protocol/gen/telepresence_pb.ts';

/** A connection whose daemon is in a container. */
export interface ContainerPlace {
  readonly kind: 'container';
  /** The container whose network handlers join. */
  readonly network: string;
  readonly connection: string;
}

/** Where the daemon runs, as far as handlers are concerned. */
export type DaemonPlace = ContainerPlace | { readonly kind: 'host' };

/** What a helper has told of its connection. */
export function placeOf({ networkContainer, connection }: DescribeResponse): ContainerPlace {
  return { kind: 'container', network: networkContainer, connection };
}

/** How it is known whose a container, a volume or an image is, and for which run it was made. */
export function labelsOf(of: {
  readonly id: string;
  readonly laptop: string;
  readonly place: DaemonPlace;
  /** It is to outlive its command. */
  readonly isDetached?: boolean;
}): readonly string[] {
  const { id, laptop, place, isDetached = false } = of;
  return [
    `${laptopLabel}=${laptop}`,
    ...(isDetached ? [] : [`${handlerLabel}=${id}`]),
    ...(place.kind === 'container' ? [`${connectionLabel}=${place.connection}`] : []),
  ];
}
