import { defaultNetwork, mapServices, without, type ComposeDocument } from './document.ts';

/** A handler as others call it. */
export interface CalledHandler {
  readonly service: string;
  /** The container whose network it has. */
  readonly sandbox: string;
  readonly names: readonly string[];
  /** It was in the network of services that name none. */
  readonly inDefault: boolean;
}

/**
 * Has the services of the default network find handlers by their names: the daemon's container is in it
 * already, and Docker gives nobody a further name there. A link to that container does.
 */
export function reachHandlers(
  document: ComposeDocument,
  handlers: readonly CalledHandler[],
): ComposeDocument {
  const called = new Set(handlers.map(({ service }) => service));
  return mapServices(document, (service, name) => {
    if (called.has(name)) return service;
    const linked = new Map(handlers.map(({ service: one, sandbox }) => [one, sandbox]));
    // Docker links containers that have networks of their own, which a handler has not.
    const own = (service.links ?? []).map((link) => {
      const [to = '', alias = to] = link.split(':');
      const sandbox = linked.get(to);
      return { link, moved: sandbox === undefined ? undefined : `${sandbox}:${alias}` };
    });
    const isNear =
      service.networks !== undefined && Object.hasOwn(service.networks, defaultNetwork);
    const near = isNear ? handlers.filter(({ inDefault }) => inDefault) : [];
    const external = new Set([
      ...(service.external_links ?? []),
      ...near.flatMap(({ sandbox, names }) => names.map((one) => `${sandbox}:${one}`)),
      ...own.flatMap(({ moved }) => (moved === undefined ? [] : [moved])),
    ]);
    const links = own.filter(({ moved }) => moved === undefined).map(({ link }) => link);
    const rest = links.length === 0 ? without(service, 'links') : { ...service, links };
    const kept = service.links === undefined ? service : rest;
    return external.size === 0 ? kept : { ...kept, external_links: [...external] };
  });
}
