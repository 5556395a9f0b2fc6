import { defaultNetwork, without, type Service } from './document.ts';
import { ComposeError } from './errors.ts';
import { joinedKeys } from './joined-keys.ts';
import { publishedPorts, type PublishedPort } from './published.ts';

/** What a handler's service had of its own, and has by way of the daemon's container now. */
export interface MovedKeys {
  /** Names by which other services know it. */
  readonly names: readonly string[];
  /** Its networks, by their keys in the document. */
  readonly networks: readonly MovedNetwork[];
  readonly ports: readonly PublishedPort[];
  /** Name → address, or `host-gateway`. */
  readonly hosts: readonly (readonly [string, string])[];
}

/** A network that the daemon's container is to be in. */
export interface MovedNetwork {
  readonly key: string;
  readonly aliases: readonly string[];
  readonly address: string | undefined;
  readonly address6: string | undefined;
}

/** Joins a service to the network of a container; its keys go where the table says. */
export function joinSandbox(
  service: Service,
  of: { readonly name: string; readonly sandbox: string },
): { readonly service: Service; readonly moved: MovedKeys; readonly notes: readonly string[] } {
  const { name, sandbox } = of;
  refuseSeveral(service, name);
  const notes: string[] = [];
  const dropped: string[] = [];
  for (const key of Object.keys(service)) {
    const rule = joinedKeys[key];
    if (rule === undefined) continue;
    if (rule.kind === 'refused') {
      throw new ComposeError(
        'NotPossible',
        `service ${name}: ${key} is not possible in a handler: ${rule.why}`,
        {
          hint: rule.instead,
        },
      );
    }
    dropped.push(key);
    if (rule.kind === 'dropped' && rule.instead !== undefined) {
      notes.push(
        `service ${name}: ${key} is left out, for the network is the daemon's: ${rule.instead}`,
      );
    }
  }
  notes.push(...aboutLinks(service, name), ...aboutMode(service, name, sandbox));
  return {
    service: { ...without(service, ...dropped), network_mode: `container:${sandbox}` },
    moved: {
      names: namesOf(service, name),
      networks: networksOf(service),
      ports: publishedPorts(service),
      hosts: hostsOf(service),
    },
    notes,
  };
}

/** Every name by which Docker's resolver knows a service. */
export function namesOf(service: Service, name: string): readonly string[] {
  const { container_name: container, hostname } = service;
  const aliases = Object.values(service.networks ?? {}).flatMap((one) => one?.aliases ?? []);
  const own = [container, hostname].flatMap((one) => (one === undefined ? [] : [one]));
  return [...new Set([name, ...aliases, ...own])];
}

function refuseSeveral({ scale, deploy }: Service, name: string): void {
  const count = scale ?? deploy?.replicas ?? 1;
  if (count === 1) return;
  throw new ComposeError(
    'NotPossible',
    `service ${name}: there are to be ${String(count)} of it, and a handler is one`,
    {
      hint: 'leave scale and deploy.replicas out: all would listen on the same ports',
    },
  );
}

/** A name that a link gives to a service is nobody else's. */
function aboutLinks({ links = [] }: Service, name: string): readonly string[] {
  return links.flatMap((link) => {
    const [to = '', alias = to] = link.split(':');
    if (alias === to) return [];
    return [`service ${name}: the link's name ${alias} is not known to a handler: call it ${to}`];
  });
}

function aboutMode(
  { network_mode: mode }: Service,
  name: string,
  sandbox: string,
): readonly string[] {
  if (mode === undefined || mode === 'bridge' || mode === `container:${sandbox}`) return [];
  return [`service ${name}: network_mode ${mode} is replaced by the daemon's network`];
}

function networksOf({ networks = {} }: Service): readonly MovedNetwork[] {
  return Object.entries(networks)
    .filter(([key]) => key !== defaultNetwork)
    .map(([key, said]) => ({
      key,
      aliases: said?.aliases ?? [],
      address: said?.ipv4_address,
      address6: said?.ipv6_address,
    }));
}

function hostsOf({ extra_hosts: said = [] }: Service): MovedKeys['hosts'] {
  if (!Array.isArray(said)) {
    return Object.entries(said).flatMap(([host, where]) =>
      [where].flat().map((address): [string, string] => [host, address]),
    );
  }
  return said.flatMap((line): [string, string][] => {
    // `name=address`, as it is printed; or with a colon, which an address of IPv6 has too.
    const match = /^([^=:]+)[=:](.+)$/.exec(line);
    const [, host, address] = match ?? [];
    return host === undefined || address === undefined
      ? []
      : [[host.trim(), address.trim().replace(/^\[(.*)\]$/, '$1')]];
  });
}
