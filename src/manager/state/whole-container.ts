import type { InterceptSpec } from '#protocol/resources.ts';
import type { Container } from './cluster-objects.ts';
import { nameOf } from './owner.ts';
import { found, refused, type Outcome } from './refusal.ts';
import { selects } from './service-port.ts';
import { someOf } from './some-of.ts';
import type { Target, TargetPort } from './target.ts';
import type { ClusterView, Workload } from './view.ts';

type Wish = NonNullable<InterceptSpec['containerPorts']>[number];

/** Every port of one container, whichever Services there are, and where on the laptop each goes. */
export function wholeContainer(
  view: ClusterView,
  workload: Workload,
  wish: { readonly container: string | undefined; readonly ports: readonly Wish[] },
): Outcome<Target> {
  const container = chooseContainer(workload, wish.container);
  if (!container.ok) return container;
  const targets = targetsOf(workload, container.value, wish.ports);
  if (!targets.ok) return targets;
  const ports = portsOf(view, workload, container.value, [...targets.value.keys()]);
  const [first] = ports;
  return found({
    workload,
    service: undefined,
    servicePort: undefined,
    severalPorts: false,
    container: container.value.name,
    serving: container.value.name,
    containerPort: first?.containerPort ?? 0,
    portName: first?.portName,
    protocol: 'TCP',
    whole: ports.map(({ containerPort, portName, name, protocol }) => {
      const target = targets.value.get(containerPort) ?? containerPort;
      return { containerPort, portName, name, protocol, target };
    }),
    replaces: container.value.name,
  });
}

/** The one that is named, else the pod's default one, else the only one. */
export function chooseContainer(
  workload: Workload,
  wanted: string | undefined,
): Outcome<Container> {
  const { metadata, spec } = workload.object.spec.template;
  const names = someOf(spec.containers.map(({ name }) => name));
  const name = wanted ?? metadata.annotations['kubectl.kubernetes.io/default-container'];
  if (name === undefined) {
    const [only, ...others] = spec.containers;
    if (only !== undefined && others.length === 0) return found(only);
    return refused('ContainerAmbiguous', `${nameOf(workload)} has several containers: ${names}`);
  }
  const chosen = spec.containers.find((one) => one.name === name);
  if (chosen !== undefined) return found(chosen);
  if (spec.initContainers.some((one) => one.name === name)) {
    return refused(
      'ContainerNotFound',
      `container ${name} of ${nameOf(workload)} is an init container, which does not step aside; the others are ${names}`,
    );
  }
  return refused(
    'ContainerNotFound',
    `${nameOf(workload)} has no container ${name}; it has ${names}`,
  );
}

function portsOf(
  view: ClusterView,
  workload: Workload,
  container: Container,
  undeclared: readonly number[],
): TargetPort[] {
  const { namespace } = workload.object.metadata;
  const { labels } = workload.object.spec.template.metadata;
  // Whoever finds a port by its number does not follow its name to the agent.
  const numbers = new Set(
    view
      .servicesIn(namespace)
      .filter((service) => selects(service, labels))
      .flatMap((service) => service.spec.ports.map((port) => port.targetPort ?? port.port)),
  );
  const ports = new Map<number, TargetPort>();
  for (const { name, containerPort, protocol } of container.ports) {
    if (protocol !== 'TCP' || ports.has(containerPort)) continue;
    const portName = numbers.has(containerPort) ? undefined : name;
    ports.set(containerPort, { containerPort, portName, name, protocol });
  }
  for (const containerPort of undeclared) {
    if (ports.has(containerPort)) continue;
    ports.set(containerPort, { containerPort, portName: undefined, protocol: 'TCP' });
  }
  return [...ports.values()];
}

/** The laptop's ports that differ, by the container's; it need not declare one that is named by its number. */
function targetsOf(
  workload: Workload,
  container: Container,
  wishes: readonly Wish[],
): Outcome<ReadonlyMap<number, number>> {
  const where = `container ${container.name} of ${nameOf(workload)}`;
  const targets = new Map<number, number>();
  for (const { port, target } of wishes) {
    const meant = meantPort(container, port, where);
    if (!meant.ok) return meant;
    if ((targets.get(meant.value) ?? target) !== target) {
      return refused(
        'ContainerPortAmbiguous',
        `port ${String(meant.value)} of ${where} cannot go to two ports`,
      );
    }
    targets.set(meant.value, target);
  }
  return found(targets);
}

function meantPort(container: Container, port: string | undefined, where: string): Outcome<number> {
  const declared = container.ports.filter(({ protocol }) => protocol === 'TCP');
  const has = someOf(
    declared.map(({ name, containerPort }) =>
      name === undefined ? String(containerPort) : `${name} (${String(containerPort)})`,
    ),
  );
  if (port === undefined) {
    const [only, ...others] = declared;
    if (only === undefined) {
      return refused('ContainerPortNotFound', `${where} declares no TCP port`);
    }
    if (others.length === 0) return found(only.containerPort);
    return refused('ContainerPortAmbiguous', `${where} has several ports: ${has}`);
  }
  const number = Number(port);
  if (number >= 1 && number <= 65_535) return found(number);
  const named = declared.find(({ name }) => name === port);
  if (named !== undefined) return found(named.containerPort);
  return refused(
    'ContainerPortNotFound',
    `${where} has no TCP port ${port}${has === '' ? '' : `; it has ${has}`}`,
  );
}
