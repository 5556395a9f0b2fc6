import { defaultNetwork, type ComposeDocument } from './document.ts';

/** The network of services that name none is the one that the daemon's container is in. */
export function replaceDefaultNetwork(
  document: ComposeDocument,
  network: string,
): { readonly document: ComposeDocument; readonly notes: readonly string[] } {
  const before = document.networks[defaultNetwork];
  const own = before?.name;
  const isUsers = own !== undefined && own !== network && own !== `${document.name}_default`;
  const notes = isUsers
    ? [
        `the default network ${own} is replaced by ${network}: who is in ${own} alone is not reached`,
      ]
    : [];
  const networks = { ...document.networks, [defaultNetwork]: { name: network, external: true } };
  return { document: { ...document, networks }, notes };
}
