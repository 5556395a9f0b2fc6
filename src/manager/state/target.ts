import { suggest } from '#base/suggest.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import type { InterceptSpec } from '#protocol/resources.ts';
import type { PortProtocol } from '#protocol/agent-config.ts';
import { injectionWish } from '#protocol/injection-wish.ts';
import { templateAnnotation } from './annotations.ts';
import type { Container } from './cluster-objects.ts';
import { resolveContainerPort } from './container-port.ts';
import { controllerOf, nameOf, ownerOf } from './owner.ts';
import { found, refused, type Outcome } from './refusal.ts';
import { resolveServicePort, servicesFor, type ServicePort } from './service-port.ts';
import type { ClusterView, Workload } from './view.ts';
import { chooseContainer, wholeContainer } from './whole-container.ts';

/** A container's port that is taken. */
export interface TargetPort {
  readonly containerPort: number;
  /** Its name, where Services find it by name. */
  readonly portName: string | undefined;
  readonly protocol: PortProtocol;
  /** Its name, however it is found. */
  readonly name?: string | undefined;
}

/** What an Intercept takes of a workload, in all its pods: one port, or a whole container's. */
export interface Target {
  readonly workload: Workload;
  readonly service: string | undefined;
  readonly servicePort: { readonly name: string | undefined; readonly port: number } | undefined;
  /** The service has more than one port, so its identifier is worth printing. */
  readonly severalPorts: boolean;
  /** Whose environment and volumes are the laptop's. */
  readonly container: string;
  /** The one that listens at the port; nobody knows where several might. */
  readonly serving?: string | undefined;
  /** 0 where there is none: of a whole container without ports. */
  readonly containerPort: number;
  /** The container port's name, where the service finds it by name. */
  readonly portName: string | undefined;
  readonly protocol: PortProtocol;
  /** Every port of a whole container, and the laptop's that it goes to; else there is but the one above. */
  readonly whole?: readonly (TargetPort & { readonly target: number })[];
  /** The container that steps aside. */
  readonly replaces?: string;
}

type Asked = Pick<
  InterceptSpec,
  'workload' | 'service' | 'port' | 'container' | 'containerPorts' | 'replaceContainer' | 'mode'
>;

/** Every port that is taken; none of a whole container that has none. */
export function targetPorts(target: TargetPort & Pick<Target, 'whole'>): readonly TargetPort[] {
  return target.whole ?? [target];
}

/** What `spec` means in `namespace` as the cluster is now, or why it means nothing. */
export function resolveTarget(view: ClusterView, namespace: string, spec: Asked): Outcome<Target> {
  const workload = findWorkload(view, namespace, spec);
  if (!workload.ok) return workload;
  const interceptable = checkInterceptable(workload.value, view);
  if (!interceptable.ok) return interceptable;
  if (spec.containerPorts !== undefined) {
    const { container, containerPorts: ports } = spec;
    return wholeContainer(view, workload.value, { container, ports });
  }
  const containers = servingContainers(workload.value);
  if (spec.container !== undefined && !containers.some((c) => c.name === spec.container)) {
    return refused(
      'ContainerNotFound',
      `${nameOf(workload.value)} has no container ${spec.container}; it has ${list(containers.map((c) => c.name))}`,
    );
  }
  if (modeOf(spec) === 'ingest') return containerOf(workload.value, containers, spec.container);
  const port = findPort(view, workload.value, spec);
  if (!port.ok) return port;
  const target = targetOf(workload.value, containers, port.value, spec);
  return target.ok && spec.replaceContainer === true ? replacing(target.value, spec) : target;
}

/** The same with the container that serves the port stepping aside. */
function replacing(target: Target, spec: Pick<Asked, 'container'>): Outcome<Target> {
  const { workload, serving } = target;
  if (serving === undefined) {
    return refused(
      'ContainerAmbiguous',
      `no container of ${nameOf(workload)} declares port ${String(target.containerPort)}, so nobody knows which is to be replaced`,
    );
  }
  if (spec.container !== undefined && spec.container !== serving) {
    return refused(
      'NotReplaceable',
      `port ${String(target.containerPort)} of ${nameOf(workload)} is served by container ${serving}, and only what serves the port is replaced: leave out --container ${spec.container}, or replace that container by itself (telepresence replace)`,
    );
  }
  const container = chooseContainer(workload, serving);
  return container.ok ? found({ ...target, replaces: serving }) : container;
}

const defaultContainer = 'kubectl.kubernetes.io/default-container';

/** A container whose environment and volumes are wanted, and no port of it. */
function containerOf(
  workload: Workload,
  containers: readonly Container[],
  wanted: string | undefined,
): Outcome<Target> {
  const { annotations } = workload.object.spec.template.metadata;
  const likely = containers.find((one) => one.name === annotations[defaultContainer]);
  const container = wanted ?? (likely ?? containers[0])?.name;
  if (container === undefined) {
    return refused('ContainerNotFound', `${nameOf(workload)} has no containers`);
  }
  return found({
    workload,
    service: undefined,
    servicePort: undefined,
    severalPorts: false,
    container,
    containerPort: 0,
    whole: [],
    portName: undefined,
    protocol: 'TCP',
  });
}

function targetOf(
  workload: Workload,
  containers: readonly Container[],
  port: ServicePort,
  wanted: Pick<Asked, 'container' | 'mode'>,
): Outcome<Target> {
  const { protocol } = port;
  if (protocol === 'UDP' && modeOf(wanted) === 'wiretap') {
    return refused('ProtocolNotSupported', `port ${port.label}: only TCP ports can be wiretapped`);
  }
  if (protocol !== 'TCP' && protocol !== 'UDP') {
    return refused(
      'ProtocolNotSupported',
      `port ${port.label} is ${protocol}; only TCP and UDP ports can be intercepted`,
    );
  }
  const template = workload.object.spec.template;
  const resolved = resolveContainerPort(containers, {
    targetPort: port.targetPort,
    protocol,
    container: wanted.container,
    fallback: template.metadata.annotations[defaultContainer],
  });
  if (!resolved.ok) {
    return refused(
      resolved.refusal.reason,
      `${nameOf(workload)}: port ${port.label} ${resolved.refusal.message}`,
    );
  }
  return found({
    workload,
    service: port.service,
    servicePort: port.servicePort,
    severalPorts: port.severalPorts,
    ...resolved.value,
    portName: typeof port.targetPort === 'string' ? port.targetPort : undefined,
    protocol,
  });
}

/** The workload that is asked for. A ReplicaSet of a Deployment is never one by itself. */
export function findWorkload(
  view: ClusterView,
  namespace: string,
  spec: Pick<InterceptSpec, 'workload'>,
): Outcome<Workload> {
  const { name, kind } = spec.workload;
  const named = view
    .workloadsNamed(namespace, name)
    .filter((workload) => kind === undefined || workload.kind === kind);
  const [first, second] = named;
  if (first === undefined) {
    return refused(
      'WorkloadNotFound',
      `no ${kind ?? 'Deployment, StatefulSet or ReplicaSet'} named ${name} in namespace ${namespace}${nearest(view, namespace, name)}`,
    );
  }
  if (second !== undefined) {
    return refused(
      'WorkloadAmbiguous',
      `${name} is the name of more than one workload in namespace ${namespace}: ${list(named.map(nameOf))}`,
    );
  }
  return found(first);
}

/** What whoever mistyped may have meant; ReplicaSets are mostly a Deployment's. */
function nearest(view: ClusterView, namespace: string, name: string): string {
  const names = view
    .workloadsIn(namespace)
    .filter(({ object }) => controllerOf(object) === undefined)
    .map(({ object }) => object.metadata.name);
  const [near] = suggest(name, names);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

/** Whether agents may be in this workload's pods at all. */
export function checkInterceptable(
  workload: Workload,
  view: Pick<ClusterView, 'interceptable'>,
): Outcome<Workload> {
  const { kinds, onlyEnabled } = view.interceptable;
  if (!kinds.includes(workload.kind)) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)}: the administrator lets no ${workload.kind} be intercepted (Helm value workloads)`,
    );
  }
  const owner = ownerOf(view, workload);
  if (owner !== undefined) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} belongs to ${owner.kind} ${owner.name}: intercept that`,
    );
  }
  const { template } = workload.object.spec;
  if (template.spec.containers.length === 0) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} has its pod template from another workload (workloadRef): no agent can be asked for in it; give it a template of its own`,
    );
  }
  if (template.spec.hostNetwork) {
    return refused(
      'WorkloadNotInterceptable',
      `${nameOf(workload)} uses the node's own network (hostNetwork): its traffic cannot be taken without taking the node's`,
    );
  }
  const wish = injectionWish(template.metadata.annotations);
  if (wish === 'disabled') {
    return refused(
      'InjectionDisabled',
      `${nameOf(workload)} has the annotation inject-traffic-agent: disabled`,
    );
  }
  if (onlyEnabled && wish !== 'enabled') {
    return refused(
      'InjectionDisabled',
      `${nameOf(workload)} has no annotation telepresence.io/inject-traffic-agent: enabled in its pod template, and the administrator demands it (Helm value agentInjector.injectPolicy)`,
    );
  }
  return found(workload);
}

/** Containers that may serve: the app's own, and native sidecars. */
function servingContainers(workload: Workload): Container[] {
  const { spec } = workload.object.spec.template;
  return [
    ...spec.containers,
    ...spec.initContainers.filter((container) => container.restartPolicy === 'Always'),
  ];
}

function findPort(view: ClusterView, workload: Workload, spec: Asked): Outcome<ServicePort> {
  const { annotations } = workload.object.spec.template.metadata;
  const wanted = spec.service ?? templateAnnotation(annotations, 'inject-service-name');
  const services = servicesFor(view, workload, wanted);
  if (!services.ok) return services;
  return resolveServicePort(workload, services.value, {
    port: spec.port,
    containerPorts: templateAnnotation(annotations, 'inject-container-ports'),
    servicePorts:
      templateAnnotation(annotations, 'inject-service-ports') ??
      templateAnnotation(annotations, 'inject-service-port'),
  });
}

function list(names: readonly string[]): string {
  return names.join(', ');
}
