import type { Container } from './cluster-objects.ts';
import { found, refused, type Outcome } from './refusal.ts';

interface Wanted {
  readonly targetPort: number | string;
  readonly protocol: string;
  /** The container that the user names. */
  readonly container: string | undefined;
  /** The container to take where nothing else decides. */
  readonly fallback: string | undefined;
}

/** The container and port number behind a Service's targetPort. */
export function resolveContainerPort(
  containers: readonly Container[],
  wanted: Wanted,
): Outcome<{
  readonly container: string;
  /** The one that listens at the port, as far as anybody says; nobody knows where several might. */
  readonly serving: string | undefined;
  readonly containerPort: number;
}> {
  const declared = containers.flatMap((container) =>
    container.ports
      .filter((port) => port.protocol === wanted.protocol)
      .filter((port) =>
        typeof wanted.targetPort === 'string'
          ? port.name === wanted.targetPort
          : port.containerPort === wanted.targetPort,
      )
      .map((port) => ({ container: container.name, containerPort: port.containerPort })),
  );
  const port = declared.find((one) => one.container === wanted.container) ?? declared[0];
  if (port !== undefined) {
    // The traffic is the port's; the environment that is wanted may be another container's.
    return found({
      ...port,
      serving: port.container,
      container: wanted.container ?? port.container,
    });
  }
  if (typeof wanted.targetPort === 'string') {
    const names = containers.flatMap((c) => c.ports.flatMap((p) => p.name ?? []));
    return refused(
      'PortNotFound',
      `goes to the container port named ${wanted.targetPort}, which no container has${names.length === 0 ? '' : `; there is ${names.join(', ')}`}`,
    );
  }
  // Containers need not declare what they listen on.
  const fallback = containers.find((c) => c.name === wanted.fallback) ?? containers[0];
  const name = wanted.container ?? fallback?.name;
  return name === undefined
    ? refused('ContainerNotFound', 'goes to a pod without containers')
    : found({
        container: name,
        serving: containers.length === 1 ? name : wanted.container,
        containerPort: wanted.targetPort,
      });
}
