import type { EndpointSliceObject, ServiceObject } from './cluster-objects.ts';

/** A Service as laptops see it: what it is called, where it is, what is ready behind it. */
export interface ServiceFacts {
  readonly namespace: string;
  readonly name: string;
  /** Cluster IPs; empty for a headless Service. */
  readonly addresses: readonly string[];
  readonly ports: readonly {
    readonly name: string;
    readonly port: number;
    readonly protocol: string;
    readonly ready: boolean;
  }[];
  /** Of ready endpoints, headless Services only. */
  readonly endpointAddresses: readonly string[];
  readonly externalName: string;
}

/** The name of the Service that a slice belongs to, as `namespace/name`. */
export function serviceOfSlice(slice: EndpointSliceObject): string | undefined {
  const name = slice.metadata.labels['kubernetes.io/service-name'];
  return name === undefined ? undefined : `${slice.metadata.namespace}/${name}`;
}

/** A Service with its slices. */
export function serviceFacts(
  service: ServiceObject,
  slices: readonly EndpointSliceObject[],
): ServiceFacts {
  const { spec, metadata } = service;
  const clusterIPs = spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP ?? ''];
  const addresses = clusterIPs.filter((address) => address !== '' && address !== 'None');
  const headless = clusterIPs.includes('None');
  const ready = slices
    .map((slice) => ({ slice, addresses: readyAddresses(slice) }))
    .filter((one) => one.addresses.length > 0);
  const readyPorts = new Set(
    ready.flatMap(({ slice }) =>
      (slice.ports ?? []).map((port) => `${port.name ?? ''}/${port.protocol ?? 'TCP'}`),
    ),
  );
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    addresses,
    ports: spec.ports.map(({ name = '', port, protocol }) => ({
      name,
      port,
      protocol,
      ready: readyPorts.has(`${name}/${protocol}`),
    })),
    endpointAddresses: headless
      ? [...new Set(ready.flatMap((one) => one.addresses))].toSorted()
      : [],
    externalName: spec.type === 'ExternalName' ? (spec.externalName ?? '') : '',
  };
}

function readyAddresses(slice: EndpointSliceObject): readonly string[] {
  return (
    (slice.endpoints ?? [])
      // Not said means ready.
      .filter((endpoint) => endpoint.conditions.ready ?? true)
      .flatMap((endpoint) => endpoint.addresses)
  );
}
