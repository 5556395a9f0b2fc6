import { modeOf } from '#protocol/intercept-mode.ts';
import type { InterceptSpec } from '#protocol/resources.ts';
import type { PortProtocol } from '#protocol/agent-config.ts';
import { templateAnnotation } from './annotations.ts';
import type { Container } from './cluster-objects.ts';
import { resolveContainerPort } from './container-port.ts';
import { checkInterceptable, findWorkload } from './find-workload.ts';
import { nameOf } from './owner.ts';
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
      `${nameOf(workload.value)} has no container ${spec.container}; it has ${containers.map((c) => c.name).join(', ')}`,
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
