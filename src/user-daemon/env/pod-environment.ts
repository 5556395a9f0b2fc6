import type { GetEnvironmentResponse } from '#protocol/gen/telepresence_pb.ts';

/** What a handler's environment says beside the container's own. */
interface InterceptFacts {
  /** The intercept's UID. */
  readonly id: string;
  /** Where the container's volumes are mounted, or undefined when they are not. */
  readonly mountPoint: string | undefined;
}

/** The container's environment, and what tells a handler that it stands in for it. */
export function handlerEnvironment(
  { environment, container, mounts }: GetEnvironmentResponse,
  { id, mountPoint }: InterceptFacts,
): Readonly<Record<string, string>> {
  return {
    ...environment,
    TELEPRESENCE_CONTAINER: container,
    TELEPRESENCE_INTERCEPT_ID: id,
    TELEPRESENCE_MOUNTS: mounts.join(':'),
    // Without a mount there is no root: an empty one would send a handler to the laptop's own files.
    ...(mountPoint === undefined ? {} : { TELEPRESENCE_ROOT: mountPoint }),
  };
}
