import { portProtocols, type PortProtocol } from '#protocol/agent-config.ts';
import type { InterceptSpec } from '#protocol/resources.ts';
import type { Container } from './cluster-objects.ts';
import { nameOf } from './owner.ts';
import { found, refused, type Outcome } from './refusal.ts';
import { selects } from './service-port.ts';
import { someOf } from './some-of.ts';
import type { Target } from './target.ts';
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
  const ports = portsOf(view, workload, container.value, targets.value);
  const first = ports.find(({ protocol }) => protocol === 'TCP') ?? ports[0];
  return found({
    workload,
    service: undefined,
    servicePort: undefined,
    severalPorts: false,
    container: container.value.name,
    serving: container.value.name,
    containerPort: first?.containerPort ?? 0,
    portName: first?.portName,
    protocol: first?.protocol ?? 'TCP',
    whole: ports,
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

/** A port as it is meant, and the laptop's that it goes to where that is another. */
interface Meant {
  readonly port: number;
  readonly protocol: PortProtocol;
  readonly target: number;
}

type WholePort = NonNullable<Target['whole']>[number];

function portsOf(
  view: ClusterView,
  workload: Workload,
  container: Container,
  targets: ReadonlyMap<string, Meant>,
): WholePort[] {
  const { namespace } = workload.object.metadata;
  const { labels } = workload.object.spec.template.metadata;
  // Whoever finds a port by its number does not follow its name to the agent.
  const byNumber = new Set(
    view
      .servicesIn(namespace)
      .filter((service) => selects(service, labels))
      .flatMap(({ spec }) => spec.ports)
      .map(({ port, targetPort, protocol }) => `${String(targetPort ?? port)}/${protocol}`),
  );
  const ports = new Map<string, WholePort>();
  for (const { name, containerPort, protocol } of declaredPorts(container)) {
    const id = idOf(containerPort, protocol);
    if (ports.has(id)) continue;
    const portName = byNumber.has(id) ? undefined : name;
    const target = targets.get(id)?.target ?? containerPort;
    ports.set(id, { containerPort, portName, name, protocol, target });
  }
  for (const [id, { port: containerPort, protocol, target }] of targets) {
    if (ports.has(id)) continue;
    ports.set(id, { containerPort, portName: undefined, name: undefined, protocol, target });
  }
  return [...ports.values()];
}

/** The laptop's ports that differ, by the container's; it need not declare one that is named by its number. */
function targetsOf(
  workload: Workload,
  container: Container,
  wishes: readonly Wish[],
): Outcome<ReadonlyMap<string, Meant>> {
  const where = `container ${container.name} of ${nameOf(workload)}`;
  const targets = new Map<string, Meant>();
  for (const { port: typed, target } of wishes) {
    const meant = meantPort(container, typed, where);
    if (!meant.ok) return meant;
    const { port, protocol } = meant.value;
    const id = idOf(port, protocol);
    if ((targets.get(id)?.target ?? target) !== target) {
      return refused(
        'ContainerPortAmbiguous',
        `port ${portText(port, protocol)} of ${where} cannot go to two ports`,
      );
    }
    targets.set(id, { port, protocol, target });
  }
  return found(targets);
}

/** Which port is meant by a name, a number, or nothing; TCP's where it has both and nothing is said. */
function meantPort(
  container: Container,
  typed: string | undefined,
  where: string,
): Outcome<Omit<Meant, 'target'>> {
  const declared = declaredPorts(container).toSorted((a, b) => rank(a) - rank(b));
  const has = someOf(
    declared.map(({ name, containerPort, protocol }) => {
      const text = portText(containerPort, protocol);
      return name === undefined ? text : `${name} (${text})`;
    }),
  );
  const [first] = declared;
  if (typed === undefined) {
    if (first === undefined) {
      return refused('ContainerPortNotFound', `${where} declares no TCP or UDP port`);
    }
    const rivals = declared.filter(({ protocol }) => protocol === first.protocol);
    if (rivals.length === 1) return found(portOf(first));
    return refused('ContainerPortAmbiguous', `${where} has several ports: ${has}`);
  }
  const [id = '', said] = typed.split('/');
  const protocol = portProtocols.find((one) => one === said?.toUpperCase());
  const number = Number(id);
  const port = declared.find(
    (one) =>
      (one.name === id || one.containerPort === number) &&
      (said === undefined || one.protocol === protocol),
  );
  if (port !== undefined) return found(portOf(port));
  if (number >= 1 && number <= 65_535 && (said === undefined || protocol !== undefined)) {
    return found({ port: number, protocol: protocol ?? 'TCP' });
  }
  return refused(
    'ContainerPortNotFound',
    `${where} has no port ${typed}${has === '' ? '' : `; it has ${has}`}`,
  );
}

interface DeclaredPort {
  readonly name?: string | undefined;
  readonly containerPort: number;
  readonly protocol: PortProtocol;
}

/** Those that can be taken. */
function declaredPorts({ ports }: Container): readonly DeclaredPort[] {
  return ports.flatMap(({ name, containerPort, protocol: typed }) => {
    const protocol = portProtocols.find((one) => one === typed);
    return protocol === undefined ? [] : [{ name, containerPort, protocol }];
  });
}

function portOf({ containerPort, protocol }: DeclaredPort): Omit<Meant, 'target'> {
  return { port: containerPort, protocol };
}

function rank({ protocol }: DeclaredPort): number {
  return portProtocols.indexOf(protocol);
}

function idOf(port: number, protocol: PortProtocol): string {
  return `${String(port)}/${protocol}`;
}

/** `8080`, `53/UDP` */
function portText(port: number, protocol: PortProtocol): string {
  return protocol === 'TCP' ? String(port) : idOf(port, protocol);
}
