import { createHash } from 'node:crypto';
import { agentFirstRenamedPort, requestedName, type PortProtocol } from '#protocol/agent-config.ts';
import type { PodContainer, PodPort, Probe } from './pod-shape.ts';

/** A port whose name moves to the agent, which listens on `listenPort` and passes on to `appPort`. */
export interface RenamedPort {
  readonly name: string;
  readonly listenPort: number;
  readonly appPort: number;
  readonly protocol: PortProtocol;
  /** Where the node's port moves along. */
  readonly host: Pick<PodPort, 'hostPort' | 'hostIP'>;
}

/**
 * Moves the names of ports to the agent (design decision 6.2): Services that look for the name
 * find the agent. Probes and hooks of the app keep meaning the app. Names that no container has are
 * left out.
 */
export function renamePorts(
  containers: readonly PodContainer[],
  names: readonly string[],
): { readonly containers: readonly PodContainer[]; readonly renamed: readonly RenamedPort[] } {
  const wanted = new Set(names);
  const renamed = chooseListenPorts(containers, wanted);
  if (renamed.length === 0) return { containers, renamed };
  return { containers: containers.map((one) => renameIn(one, wanted)), renamed };
}

function chooseListenPorts(
  containers: readonly PodContainer[],
  wanted: ReadonlySet<string>,
): RenamedPort[] {
  const ports = containers.flatMap((container) => container.ports ?? []);
  const taken = new Set(ports.map((port) => port.containerPort));
  const renamed: RenamedPort[] = [];
  let next = agentFirstRenamedPort;
  for (const port of ports) {
    // Kubernetes takes the first of a name.
    if (!moves(port, wanted)) continue;
    const protocol = protocolOf(port) ?? 'TCP';
    if (renamed.some((one) => one.name === port.name && one.protocol === protocol)) continue;
    while (taken.has(next)) next += 1;
    taken.add(next);
    const { hostPort, hostIP } = port;
    renamed.push({
      name: port.name,
      listenPort: next,
      appPort: port.containerPort,
      protocol,
      host: {
        ...(hostPort === undefined ? {} : { hostPort }),
        ...(hostIP === undefined ? {} : { hostIP }),
      },
    });
  }
  return renamed;
}

function moves(
  port: PodPort,
  wanted: ReadonlySet<string>,
): port is PodPort & { readonly name: string } {
  const protocol = protocolOf(port);
  return (
    port.name !== undefined &&
    protocol !== undefined &&
    wanted.has(requestedName(port.name, protocol))
  );
}

/** Undefined for a port that nobody can take. */
function protocolOf({ protocol = 'TCP' }: PodPort): PortProtocol | undefined {
  return protocol === 'TCP' || protocol === 'UDP' ? protocol : undefined;
}

function renameIn(container: PodContainer, wanted: ReadonlySet<string>): PodContainer {
  const { ports } = container;
  if (ports === undefined || !ports.some((port) => moves(port, wanted))) return container;
  const numbers = new Map(
    ports.flatMap((port) => (moves(port, wanted) ? [[port.name, port.containerPort]] : [])),
  );
  const changed: PodContainer = {
    ...container,
    ports: ports.map((port) => (moves(port, wanted) ? hide(port) : port)),
  };
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const found = container[probe];
    if (found !== undefined) changed[probe] = byNumber(found, numbers);
  }
  const { lifecycle } = container;
  if (lifecycle !== undefined) {
    changed.lifecycle = {
      ...lifecycle,
      ...(lifecycle.postStart && { postStart: byNumber(lifecycle.postStart, numbers) }),
      ...(lifecycle.preStop && { preStop: byNumber(lifecycle.preStop, numbers) }),
    };
  }
  return changed;
}

function hide(port: PodPort & { readonly name: string }): PodPort {
  const { hostPort: _hostPort, hostIP: _hostIP, ...rest } = port;
  return { ...rest, name: hiddenName(port.name) };
}

/** A port's other name: at most 15 characters, as Kubernetes demands, and always the same. */
export function hiddenName(name: string): string {
  return `tp-${createHash('sha256').update(name).digest('hex').slice(0, 10)}`;
}

// The kubelet looks for a probe's port name in the probe's own container only.
function byNumber(probe: Probe, numbers: ReadonlyMap<string, number>): Probe {
  const changed: Probe = { ...probe };
  if (probe.httpGet !== undefined) {
    changed.httpGet = { ...probe.httpGet, port: numberOf(probe.httpGet.port, numbers) };
  }
  if (probe.tcpSocket !== undefined) {
    changed.tcpSocket = { ...probe.tcpSocket, port: numberOf(probe.tcpSocket.port, numbers) };
  }
  return changed;
}

function numberOf(port: number | string, numbers: ReadonlyMap<string, number>): number | string {
  return typeof port === 'string' ? (numbers.get(port) ?? port) : port;
}
