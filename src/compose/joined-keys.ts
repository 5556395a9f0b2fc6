/** What becomes of a key of a service that has no network of its own: Docker itself refuses most of these. */
export type JoinedKey =
  /** It means the same elsewhere, and we see to that. */
  | { readonly kind: 'moved' }
  /** It changes nothing there; said only where somebody might miss it. */
  | { readonly kind: 'dropped'; readonly instead?: string }
  /** Nothing of it would be as it was meant. */
  | { readonly kind: 'refused'; readonly why: string; readonly instead: string };

/** Key of a service → what becomes of it. */
export const joinedKeys: Readonly<Record<string, JoinedKey>> = {
  // To the network of the daemon's container.
  networks: { kind: 'moved' },
  // To a container of ours, which hands connections on.
  ports: { kind: 'moved' },
  // To the names that the daemon answers.
  extra_hosts: { kind: 'moved' },
  // To the names by which other services find it.
  hostname: { kind: 'moved' },
  // All ports of the container are open to its networks.
  expose: { kind: 'dropped' },
  links: { kind: 'moved' },
  external_links: {
    kind: 'dropped',
    instead: 'call the container by its own name, or by its alias in a network',
  },
  dns: {
    kind: 'dropped',
    instead: 'names of the cluster are known; others come from Docker',
  },
  dns_search: {
    kind: 'dropped',
    instead: 'names of the connected namespace are known by their first part',
  },
  dns_opt: { kind: 'dropped', instead: 'names are answered by the daemon' },
  domainname: { kind: 'dropped', instead: 'the host is the daemon’s' },
  mac_address: { kind: 'dropped', instead: 'the network card is the daemon’s' },
};
