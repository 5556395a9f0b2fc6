/**
 * Every address in a playground. Each playground has network namespaces of its own that meet no
 * other network, so all playgrounds use the same ones.
 */
export const addresses = {
  /** The cluster's end of the wire to the first laptop: API server and DNS for the laptop. */
  gateway: '198.18.0.1',
  /** The node, as its kubelet and the API server are known inside the cluster. */
  node: '172.31.0.10',
  apiService: '10.96.0.1',
  clusterDns: '10.96.0.10',
  serviceCidr: '10.96.0.0/16',
  podCidr: '10.244.0.0/16',
  /** The same of IPv6: a Service gets an address there where it asks for one, a pod always does. */
  nodeV6: 'fd00:172:31::10',
  serviceCidrV6: 'fd00:10:96::/108',
  podCidrV6: 'fd00:10:244::/56',
  nodePodCidrV6: 'fd00:10:244::/64',
  /** Servers that are neither the cluster's nor the laptop's. */
  outsideWeb: '203.0.113.10',
  outsideDns: '203.0.113.53',
  outsideCidr: '203.0.113.0/24',
} as const;

/** Ports that the laptop may reach on the gateway. */
export const ports = { api: 6443, apiDelayed: 7443, apiNarrow: 7450, dns: 53, web: 80 } as const;

/** Ports on the gateway of what stands between a laptop and an API server (fronts/). */
export const frontPorts = {
  proxy: 3128,
  proxyWithPassword: 3129,
  proxyByTls: 3130,
  socks: 1080,
  websocket: 8443,
  http2: 8444,
  silent: 8445,
  webpage: 8446,
} as const;

/** The group of the API server's process alone, by which the kernel knows its packets. */
export const apiServerGroup = 6443;

/** The node's name, and the cluster machine's hostname. */
export const nodeName = 'playground';

/** A laptop: its name, and its number on the wire (each has a /30 of its own). */
export interface Laptop {
  readonly name: string;
  readonly index: number;
}

/** The laptop that `up` starts. */
export const firstLaptop: Laptop = { name: 'laptop', index: 0 };

/** A second one, started when it is first used. */
export const secondLaptop: Laptop = { name: 'laptop2', index: 1 };

/** The two ends of a laptop's wire. */
export function wireOf(laptop: Laptop): {
  readonly gateway: string;
  readonly laptop: string;
  readonly device: string;
} {
  return {
    gateway: `198.18.0.${4 * laptop.index + 1}`,
    laptop: `198.18.0.${4 * laptop.index + 2}`,
    device: `laptop${laptop.index}`,
  };
}
