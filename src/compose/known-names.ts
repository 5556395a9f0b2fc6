import type { Behaviors } from './behaviors.ts';
import { servicesThatAre } from './behaviors.ts';
import type { ComposeDocument } from './document.ts';
import { namesOf } from './join-sandbox.ts';

/** What the daemon answers of a project's names, while it runs. */
export interface ProjectNames {
  /** Asked of Docker before the cluster. */
  readonly outside: readonly string[];
  /** Names that stand for another one, or for an address. */
  readonly mappings: readonly NameMeaning[];
  /** The same for names that the cluster does not know. */
  readonly fallbacks: readonly NameMeaning[];
}

interface NameMeaning {
  readonly name: string;
  readonly aliasFor: string;
}

/** The names of services that run here as always, and of those that stay in the cluster. */
export function namesOfOthers(
  document: ComposeDocument,
  behaviors: Behaviors,
  /** Where a mapping says no namespace. */
  namespace: string,
): Pick<ProjectNames, 'outside' | 'mappings'> {
  const locals = servicesThatAre(document, behaviors, 'local');
  const remotes = servicesThatAre(document, behaviors, 'remote');
  const named = (service: string): readonly string[] =>
    namesOf(document.services[service] ?? {}, service);
  return {
    outside: [...new Set(locals.flatMap(named))],
    mappings: remotes.flatMap((service) => {
      const mapping = behaviors.get(service)?.mapping;
      const aliasFor = `${mapping?.name ?? service}.${mapping?.namespace ?? namespace}`;
      return named(service).map((name) => ({ name, aliasFor }));
    }),
  };
}
