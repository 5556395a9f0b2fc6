/**
 * The port of a daemon in a container, published on the laptop's loopback: calls of the CLI, the helper's
 * session, and connections that the helper brings. Each begins as an HTTP request that has the token.
 */

/** What an upgraded connection is for: the one session, or a connection to the API server by its id. */
export type HelperErrand =
  | { readonly kind: 'session' }
  | { readonly kind: 'dial'; readonly id: string };

/** The name in the Upgrade header. */
export const helperUpgrade = 'telepresence-helper';

const sessionPath = '/helper/session';
const dialPrefix = '/helper/dial/';

/** The path that an errand is asked by. */
export function errandPath(errand: HelperErrand): string {
  return errand.kind === 'session' ? sessionPath : `${dialPrefix}${errand.id}`;
}

/** The errand of a path, or undefined. */
export function readErrand(path: string): HelperErrand | undefined {
  if (path === sessionPath) return { kind: 'session' };
  const id = path.startsWith(dialPrefix) ? path.slice(dialPrefix.length) : '';
  return /^[0-9a-f-]{8,64}$/.test(id) ? { kind: 'dial', id } : undefined;
}

/** The header by which whoever calls shows the token. */
export function tokenHeader(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** The token of an Authorization header. */
export function readTokenHeader(header: string | undefined): string | undefined {
  return /^Bearer ([0-9a-f]+)$/.exec(header ?? '')?.[1];
}

/** Where things are in a daemon's container. */
export const inContainer = {
  /** Of the sandbox, which has the network, where the laptop has it free; high, so that no handler wants it. */
  port: 58_802,
  tokenFile: '/run/telepresence/token',
  stateDir: '/run/telepresence/state',
  userDaemonSocket: '/run/telepresence/user-daemon.sock',
  rootDaemonSocket: '/run/telepresence/root-daemon.sock',
} as const;
