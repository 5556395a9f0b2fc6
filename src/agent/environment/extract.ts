import { agentOwnPrefix } from '#protocol/agent-config.ts';

/** A process's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of an app's container as the kubelet made it: what its spec says, which the
 * agent has under `envPrefix`, over what every container of the pod gets (the links to Services,
 * HOSTNAME). What only the image sets cannot be seen from here.
 */
export function containerEnvironment(
  own: Environment,
  options: {
    readonly envPrefix: string;
    readonly otherPrefixes: readonly string[];
    /** What is told nobody. */
    readonly excluded?: readonly string[];
  },
): Record<string, string> {
  const found = new Map<string, string>();
  const prefixes = [options.envPrefix, ...options.otherPrefixes];
  for (const [name, value] of ofEveryContainer(own, prefixes)) found.set(name, value);
  for (const [name, value] of entries(own)) {
    if (!name.startsWith(options.envPrefix) || name === options.envPrefix) continue;
    // Another container's prefix may begin with this one's.
    if (longestPrefix(name, prefixes) !== options.envPrefix) continue;
    found.set(name.slice(options.envPrefix.length), value);
  }
  for (const name of options.excluded ?? []) found.delete(name);
  // Null-prototype-safe: a variable may be called __proto__.
  return Object.fromEntries(found);
}

/** What the kubelet gives every container: HOSTNAME and, per Service, `X_SERVICE_HOST` and its kin. */
function* ofEveryContainer(
  own: Environment,
  prefixes: readonly string[],
): Generator<readonly [string, string]> {
  const services = new Set<string>();
  for (const [name] of entries(own)) {
    const service = /^([A-Z_][A-Z0-9_]*)_SERVICE_HOST$/.exec(name)?.[1];
    if (service !== undefined) services.add(service);
  }
  for (const [name, value] of entries(own)) {
    if (name.startsWith(agentOwnPrefix) || longestPrefix(name, prefixes) !== undefined) continue;
    if (name === 'HOSTNAME' || isServiceLink(name, services)) yield [name, value];
  }
}

const linkEnd =
  /^(?:_SERVICE_HOST|_SERVICE_PORT(?:_[A-Z0-9_]+)?|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

function isServiceLink(name: string, services: ReadonlySet<string>): boolean {
  // Every way to cut the name counts: a Service may itself be called `a-port-1-tcp`.
  for (let at = name.indexOf('_'); at !== -1; at = name.indexOf('_', at + 1)) {
    if (services.has(name.slice(0, at)) && linkEnd.test(name.slice(at))) return true;
  }
  return false;
}

function longestPrefix(name: string, prefixes: readonly string[]): string | undefined {
  return prefixes
    .filter((prefix) => name.startsWith(prefix))
    .toSorted((one, other) => other.length - one.length)[0];
}

function* entries(own: Environment): Generator<readonly [string, string]> {
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined) yield [name, value];
  }
}
