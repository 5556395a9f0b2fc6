import { agentGroup } from '#protocol/agent-config.ts';
import { lockedDown, type InjectorConfig } from './agent-containers.ts';
import type { PodContainer, RequestedPod } from './pod-shape.ts';

/** Those of `names` that the pod has: only an app's own containers step aside. */
export function replacedIn({ spec }: RequestedPod, names: readonly string[]): readonly string[] {
  return names.filter((name) => spec.containers.some((one) => one.name === name));
}

/** The containers, with something in the place of the replaced ones that only waits. */
export function putAside(
  pod: RequestedPod,
  containers: readonly PodContainer[],
  replaced: readonly string[],
  config: InjectorConfig,
): PodContainer[] {
  return containers.map((one) => (replaced.includes(one.name) ? waiting(pod, one, config) : one));
}

/**
 * Its ports stay, since Services look for their names, and its resources, for quotas and for the
 * variables that speak of them. Its environment and volumes are the agent's to tell: here they could
 * only disturb. A shell takes the least memory, whatever the limit is.
 */
function waiting(pod: RequestedPod, container: PodContainer, config: InjectorConfig): PodContainer {
  const { name, ports, resources } = container;
  const resizePolicy: unknown = container['resizePolicy'];
  return {
    name,
    image: config.image,
    ...(config.pullPolicy === undefined ? {} : { imagePullPolicy: config.pullPolicy }),
    command: ['/bin/sh', '-c', untilEnded],
    ...(ports === undefined ? {} : { ports }),
    ...(resources === undefined ? {} : { resources }),
    ...(resizePolicy === undefined ? {} : { resizePolicy }),
    securityContext: {
      ...lockedDown,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      ...(pod.spec.securityContext?.runAsUser === 0 ? { runAsUser: agentGroup } : {}),
      ...config.securityContext,
    },
  };
}

// The first process of a container hears no signal that it does not ask for. `sleep` is a program of
// its own in one of our images, and a part of busybox in the other.
const untilEnded = `trap 'kill $! 2>/dev/null; exit 0' TERM INT
sleep=sleep; command -v sleep >/dev/null || sleep='/bin/busybox sleep'
while :; do $sleep 86400 & wait $!; done`;
