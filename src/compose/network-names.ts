import { defaultNetwork, type ComposeDocument } from './document.ts';

/**
 * Docker sends what a container says to the world by the first of its networks in the order of their
 * names, and moves its published ports there, which cuts their connections. So networks that a daemon's
 * container is to join are called so that its own stays the first.
 */
export function renameNetworks(
  document: ComposeDocument,
  of: {
    /** Keys of those that it joins. */
    readonly joined: ReadonlySet<string>;
    /** Its own. */
    readonly network: string;
  },
): { readonly document: ComposeDocument; readonly notes: readonly string[] } {
  const { joined, network } = of;
  const notes: string[] = [];
  const networks = Object.fromEntries(
    Object.entries(document.networks).map(([key, resource]) => {
      const plain = `${document.name}_${key}`;
      const name = resource?.name ?? plain;
      const stays = resource?.external === true || key === defaultNetwork || !joined.has(key);
      if (stays || name >= network) return [key, resource];
      const changed = `${network}-${name}`;
      if (name !== plain) notes.push(`the network ${name} is called ${changed} meanwhile`);
      return [key, { ...resource, name: changed }];
    }),
  );
  return { document: { ...document, networks }, notes };
}
