import type { Dependency, Service } from './document.ts';

type Dependencies = Readonly<Record<string, Dependency>>;

/** From what is true first to what is true last; a condition that we do not know is left to Compose. */
const order = ['service_started', 'service_healthy', 'service_completed_successfully'];

/**
 * What a service depends on once others are removed: through them, on what they depended on, under
 * the condition that they had waited for.
 */
export function dependenciesWithout(
  services: Readonly<Record<string, Service>>,
  removed: ReadonlySet<string>,
  of: Dependencies,
): Dependencies {
  const found = new Map<string, Dependency>();
  const follow = (
    dependencies: Dependencies,
    before: Dependency | undefined,
    seen: string[],
  ): void => {
    for (const [name, own] of Object.entries(dependencies)) {
      const dependency = before === undefined ? own : through(before, own);
      if (!removed.has(name)) {
        found.set(name, either(found.get(name), dependency));
        continue;
      }
      if (seen.includes(name)) continue;
      follow(services[name]?.depends_on ?? {}, dependency, [...seen, name]);
    }
  };
  follow(of, undefined, []);
  return Object.fromEntries(found);
}

/** By way of a removed service: as optional, and as little restarted, as any part of the way. */
function through(before: Dependency, own: Dependency): Dependency {
  const restart = before.restart === true && own.restart === true;
  const { restart: _restart, ...rest } = own;
  const required = before.required !== false && own.required !== false;
  return { ...rest, ...(restart ? { restart } : {}), required };
}

/** By two ways: whatever either of them asks for. */
function either(one: Dependency | undefined, other: Dependency): Dependency {
  if (one === undefined) return other;
  const later = order.indexOf(other.condition) > order.indexOf(one.condition) ? other : one;
  const restart = one.restart === true || other.restart === true;
  const { restart: _restart, ...rest } = later;
  const isSaid = one.required !== undefined || other.required !== undefined;
  const required = one.required !== false || other.required !== false;
  return { ...rest, ...(restart ? { restart } : {}), ...(isSaid ? { required } : {}) };
}
