import type { Service } from './document.ts';

type Environment = Readonly<Record<string, string>>;

/**
 * A handler's environment: what the specification says of the handler, over what the service says, over
 * what the pod has. A name without a value is what the user's shell has of it: nothing, if Compose has
 * left it so.
 */
export function mergeEnvironment(
  service: Service,
  from: { readonly pod: Environment; readonly handler: Environment },
): Service {
  const { pod, handler } = from;
  const own = Object.entries(service.environment ?? {}).filter(
    ([name, value]) => value !== null || !Object.hasOwn(pod, name),
  );
  const environment = {
    ...literally(pod),
    ...Object.fromEntries(own),
    ...literally(handler),
  };
  if (Object.keys(environment).length === 0) return service;
  return { ...service, environment };
}

/** Compose would put the user's own variables where there is a dollar. */
function literally(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replaceAll('$', '$$$$')]),
  );
}
