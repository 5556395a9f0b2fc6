import { containerPortList, portList } from './annotations.ts';
import type { ServiceObject } from './cluster-objects.ts';
import { nameOf } from './owner.ts';
import { found, refused, type Outcome } from './refusal.ts';
import { someOf } from './some-of.ts';
import type { ClusterView, Workload } from './view.ts';

/** A port that can be asked for: a Service's, or a container's that an annotation offers. */
export interface ServicePort {
  readonly service: string | undefined;
  readonly servicePort: { readonly name: string | undefined; readonly port: number } | undefined;
  readonly severalPorts: boolean;
  readonly targetPort: number | string;
  readonly protocol: string;
  /** As a user would name it: `http (80)`, `dns (53/UDP)`. */
  readonly label: string;
  /** Without a Service: the container's name and number of the same port. */
  readonly aliases?: readonly string[];
}

interface Wish {
  readonly port: string | undefined;
  /** Value of the annotation inject-container-ports. */
  readonly containerPorts: string | undefined;
  /** Value of the annotation inject-service-ports. */
  readonly servicePorts: string | undefined;
}

/** The Services that select a workload's pods; only `wanted` where one is named. */
export function servicesFor(
  view: ClusterView,
  workload: Workload,
  wanted: string | undefined,
): Outcome<readonly ServiceObject[]> {
  // In an order of their own, so that what is said of them is always the same.
  const all = view
    .servicesIn(workload.object.metadata.namespace)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const selecting = all.filter((service) => selectsPodsOf(service, workload));
  if (wanted === undefined) return found(selecting);
  const named = all.find((service) => service.metadata.name === wanted);
  if (named === undefined) {
    return refused(
      'ServiceNotFound',
      `no Service named ${wanted} in namespace ${workload.object.metadata.namespace}; ${choices(workload, selecting)}`,
    );
  }
  if (!selecting.includes(named)) {
    return refused(
      'ServiceMismatch',
      `Service ${wanted} does not select ${nameOf(workload)}; ${choices(workload, selecting)}`,
    );
  }
  return found([named]);
}

/** Argo narrows a Rollout's Services to the pods of one revision by this label, which no template has. */
const revisionLabel = 'rollouts-pod-template-hash';

function selectsPodsOf(service: ServiceObject, { kind, object }: Workload): boolean {
  const { labels } = object.spec.template.metadata;
  const revision = service.spec.selector?.[revisionLabel];
  if (kind !== 'Rollout' || revision === undefined) return selects(service, labels);
  return selects(service, { ...labels, [revisionLabel]: revision });
}

function choices(workload: Workload, services: readonly ServiceObject[]): string {
  if (services.length === 0) return `no Service selects ${nameOf(workload)}`;
  return `${nameOf(workload)} is selected by ${someOf(services.map((s) => s.metadata.name))}`;
}

/** Whether a Service sends to pods with these labels. */
export function selects(service: ServiceObject, labels: Readonly<Record<string, string>>): boolean {
  const selector = Object.entries(service.spec.selector ?? {});
  return (
    service.spec.type !== 'ExternalName' &&
    selector.length > 0 &&
    selector.every(([key, value]) => labels[key] === value)
  );
}

/** The one port that is meant, or the choices. */
export function resolveServicePort(
  workload: Workload,
  services: readonly ServiceObject[],
  wish: Wish,
): Outcome<ServicePort> {
  const offered =
    services.length > 0
      ? services.flatMap(portsOf)
      : offeredByAnnotation(workload, wish.containerPorts);
  if (services.length === 0 && offered.length === 0) {
    return refused(
      'NoService',
      `no Service selects ${nameOf(workload)}; to intercept it without one, name its ports in the annotation telepresence.io/inject-container-ports of its pod template`,
    );
  }
  const named = wish.port === undefined ? offered : offered.filter((p) => isNamed(p, wish.port));
  if (named.length === 0) {
    return refused(
      'PortNotFound',
      offered.length === 0
        ? `${place(workload, services)} has no ports`
        : `${place(workload, services)} has no port ${wish.port ?? ''}; it has ${labels(offered)}`,
    );
  }
  return pickOne(workload, services, preferred(named, wish));
}

function pickOne(
  workload: Workload,
  services: readonly ServiceObject[],
  candidates: readonly ServicePort[],
): Outcome<ServicePort> {
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return found(only);
  const names = [...new Set(candidates.map((port) => port.service ?? ''))];
  if (names.length > 1) {
    // The one that is called as the workload is likely meant.
    const { name } = workload.object.metadata;
    const likely = names.toSorted((a, b) => Number(b === name) - Number(a === name));
    return refused(
      'ServiceAmbiguous',
      `more than one Service selects ${nameOf(workload)}: ${someOf(likely)}`,
    );
  }
  return refused(
    'PortAmbiguous',
    `${place(workload, services)} has several ports: ${labels(candidates)}`,
  );
}

/** Of several, those that the annotation names; where a number stands for two, TCP is meant. */
function preferred(ports: readonly ServicePort[], wish: Wish): readonly ServicePort[] {
  if (ports.length <= 1) return ports;
  if (wish.port !== undefined) return preferTcp(ports);
  const wanted = portList(wish.servicePorts ?? '');
  const named = ports.filter((port) => wanted.some((want) => isNamed(port, want)));
  return named.length > 0 ? preferTcp(named) : ports;
}

function preferTcp(ports: readonly ServicePort[]): readonly ServicePort[] {
  const tcp = ports.filter((port) => port.protocol === 'TCP');
  return tcp.length > 0 ? tcp : ports;
}

function portsOf(service: ServiceObject): ServicePort[] {
  return service.spec.ports.map((port) => ({
    service: service.metadata.name,
    servicePort: { name: port.name, port: port.port },
    severalPorts: service.spec.ports.length > 1,
    targetPort: port.targetPort ?? port.port,
    protocol: port.protocol,
    label: labelOf(port.name, withProtocol(String(port.port), port.protocol)),
  }));
}

function offeredByAnnotation(workload: Workload, value: string | undefined): ServicePort[] {
  const ports = containerPortList(value ?? '');
  const declared = workload.object.spec.template.spec.containers.flatMap((one) => one.ports);
  return ports.map(({ port, protocol }) => ({
    aliases: declared
      .filter((one) => one.protocol === protocol)
      .map((one) => [one.name ?? '', String(one.containerPort)])
      .filter((names) => names.includes(port))
      .flat(),
    service: undefined,
    servicePort: undefined,
    severalPorts: ports.length > 1,
    targetPort: /^\d+$/.test(port) ? Number(port) : port,
    protocol,
    label: withProtocol(port, protocol),
  }));
}

function isNamed(port: ServicePort, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const [id = '', protocol] = wanted.split('/');
  if (protocol !== undefined && protocol.toUpperCase() !== port.protocol) return false;
  if (port.servicePort === undefined) {
    return String(port.targetPort) === id || (port.aliases ?? []).includes(id);
  }
  return port.servicePort.name === id || String(port.servicePort.port) === id;
}

function labelOf(name: string | undefined, port: string): string {
  return name === undefined ? port : `${name} (${port})`;
}

/** `53/UDP`; of TCP, which is what nobody says, the number alone. */
function withProtocol(port: string, protocol: string): string {
  return protocol === 'TCP' ? port : `${port}/${protocol}`;
}

function place(workload: Workload, services: readonly ServiceObject[]): string {
  const [service, ...others] = services;
  return service !== undefined && others.length === 0
    ? `Service ${service.metadata.name}`
    : nameOf(workload);
}

function labels(ports: readonly ServicePort[]): string {
  return someOf(ports.map((port) => port.label));
}
