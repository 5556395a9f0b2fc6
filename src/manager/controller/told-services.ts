import type { ServiceFacts } from '../state/service-info.ts';

/** What of the cluster's Services one laptop is told. */
export interface ToldServices {
  /** Changes as they are told: `removed` by `namespace/name`. */
  tell(changes: {
    readonly changed: readonly ServiceFacts[];
    readonly removed: readonly string[];
  }): { readonly changed: ServiceFacts[]; readonly removed: string[] };
}

/**
 * Services of open namespaces are told as they are. Of the others, where the laptop may dial them all
 * the same, it is told that somebody answers at an address, and not who: `''/<address>`.
 */
export function createToldServices(options: {
  readonly isOpen: (namespace: string) => boolean;
  readonly addresses: boolean;
}): ToldServices {
  /** By the Service's own key: under which key it was told. */
  const told = new Map<string, string>();
  const shown = (facts: ServiceFacts): ServiceFacts | undefined => {
    if (options.isOpen(facts.namespace)) return facts;
    const [address] = facts.addresses;
    if (!options.addresses || address === undefined) return undefined;
    const ports = facts.ports.map((port) => ({ ...port, name: '' }));
    const { addresses } = facts;
    return {
      namespace: '',
      name: address,
      addresses,
      ports,
      endpointAddresses: [],
      externalName: '',
    };
  };
  return {
    tell({ changed, removed }) {
      const now: ServiceFacts[] = [];
      const gone = new Set<string>();
      for (const facts of changed) {
        const key = keyOf(facts);
        const before = told.get(key);
        const as = shown(facts);
        if (before !== undefined && (as === undefined || keyOf(as) !== before)) gone.add(before);
        if (as === undefined) {
          told.delete(key);
          continue;
        }
        told.set(key, keyOf(as));
        now.push(as);
      }
      for (const key of removed) {
        const before = told.get(key);
        if (before !== undefined) gone.add(before);
        told.delete(key);
      }
      // An address that was given to another Service meanwhile is not gone.
      for (const facts of now) gone.delete(keyOf(facts));
      return { changed: now, removed: [...gone] };
    },
  };
}

function keyOf({ namespace, name }: Pick<ServiceFacts, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}
