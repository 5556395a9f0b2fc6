import { formatIp, parseIp } from '#protocol/ip-address.ts';
import type { PodObject, ServiceObject } from './cluster-objects.ts';

/** The namespaces that an address belongs to: of a Service, or of pods; several where pods share a node's. */
export function namespacesOfAddress(
  lists: { readonly services: Iterable<ServiceObject>; readonly pods: Iterable<PodObject> },
  address: string,
): ReadonlySet<string> {
  const wanted = normal(address);
  const found = new Set<string>();
  for (const { metadata, spec } of lists.services) {
    const addresses = [spec.clusterIP ?? '', ...spec.clusterIPs];
    if (addresses.some((one) => one !== '' && normal(one) === wanted))
      found.add(metadata.namespace);
  }
  for (const { metadata, status } of lists.pods) {
    if (status.podIPs.some((one) => normal(one) === wanted)) found.add(metadata.namespace);
  }
  return found;
}

function normal(address: string): string {
  const parsed = parseIp(address);
  return parsed === undefined ? address : formatIp(parsed);
}
