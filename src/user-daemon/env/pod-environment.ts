import type { GetEnvironmentResponse } from '#protocol/gen/telepresence_pb.ts';

/** What a handler's environment says beside the container's own. */
interface InterceptFacts {
  /** `connection:name`, by which a program knows which intercept it serves. */
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
    // Empty without a mount: scripts that begin with `set -u` read it.
    TELEPRESENCE_ROOT: mountPoint ?? '',
  };
}
