import { mapServices, type ComposeDocument } from './document.ts';

/**
 * Gives labels to all that Compose is to make and that is removed again: containers and networks, not
 * data. Services of another connection than the first have labels of their own.
 */
export function labelProject(
  document: ComposeDocument,
  labels: Readonly<Record<string, string>>,
  own: ReadonlyMap<string, Readonly<Record<string, string>>> = new Map(),
): ComposeDocument {
  const services = mapServices(document, (service, name) => ({
    ...service,
    labels: { ...service.labels, ...labels, ...own.get(name) },
  }));
  const networks = Object.fromEntries(
    Object.entries(document.networks).map(([key, network]) => [
      key,
      network?.external === true
        ? network
        : { ...network, labels: { ...network?.labels, ...labels } },
    ]),
  );
  return { ...services, networks };
}
