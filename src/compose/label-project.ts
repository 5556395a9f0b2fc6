import { mapServices, type ComposeDocument } from './document.ts';

/** Gives labels to all that Compose is to make and to remove again: containers and networks, not data. */
export function labelProject(
  document: ComposeDocument,
  labels: Readonly<Record<string, string>>,
): ComposeDocument {
  const services = mapServices(document, (service) => ({
    ...service,
    labels: { ...service.labels, ...labels },
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
