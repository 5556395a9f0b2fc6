import { dependenciesWithout } from './dependencies.ts';
import { mapServices, without, type ComposeDocument, type Service } from './document.ts';
import { ComposeError } from './errors.ts';

/** A document without the services that stay in the cluster. */
export interface WithoutRemote {
  readonly document: ComposeDocument;
  /** What could not be kept of others, a sentence each. */
  readonly notes: readonly string[];
}

/** Removes services; who depended on them depends on what they depended on. */
export function removeRemote(
  document: ComposeDocument,
  removed: ReadonlySet<string>,
): WithoutRemote {
  const notes: string[] = [];
  const changed = mapServices(document, (service, name) => {
    if (removed.has(name)) return undefined;
    refuseSharing(service, name, removed);
    return withoutLinks(rewired(document, service, removed), { name, removed, notes });
  });
  return { document: changed, notes };
}

function rewired(
  { services }: ComposeDocument,
  service: Service,
  removed: ReadonlySet<string>,
): Service {
  const before = service.depends_on;
  if (before === undefined || !Object.keys(before).some((name) => removed.has(name)))
    return service;
  const depends_on = dependenciesWithout(services, removed, before);
  return Object.keys(depends_on).length === 0
    ? without(service, 'depends_on')
    : { ...service, depends_on };
}

/** What is in the cluster has no network, no processes and no files here that another could share. */
function refuseSharing(service: Service, name: string, removed: ReadonlySet<string>): void {
  const shared: [string, string][] = [
    ...(['network_mode', 'ipc', 'pid'] as const).flatMap((key): [string, string][] => {
      const of = /^service:(.*)$/.exec(service[key] ?? '')?.[1];
      return of === undefined ? [] : [[key, of]];
    }),
    ...(service.volumes_from ?? []).map((from): [string, string] => [
      'volumes_from',
      from.split(':')[0] ?? '',
    ]),
  ];
  const wrong = shared.find(([, of]) => removed.has(of));
  if (wrong === undefined) return;
  const [key, of] = wrong;
  throw new ComposeError(
    'NotPossible',
    `service ${name}: ${key} is of ${of}, which is remote and does not run here`,
    {
      hint: `make ${of} local, or ${name} remote too`,
    },
  );
}

function withoutLinks(
  service: Service,
  of: { readonly name: string; readonly removed: ReadonlySet<string>; readonly notes: string[] },
): Service {
  const { name, removed, notes } = of;
  const isLeft = (link: string): boolean => removed.has(link.split(':')[0] ?? '');
  const dropped = service.links?.filter(isLeft) ?? [];
  if (service.links === undefined || dropped.length === 0) return service;
  for (const link of dropped) {
    notes.push(`service ${name}: the link ${link} is left out: that service is in the cluster`);
  }
  const links = service.links.filter((link) => !isLeft(link));
  return links.length === 0 ? without(service, 'links') : { ...service, links };
}
