import type { ServiceBehavior, ServiceIntent } from '#spec/compose-spec.ts';
import { parseBehavior } from '#spec/parse/parse-behavior.ts';
import { formatPath } from '#spec/parse/problem.ts';
import type { ComposeDocument } from './document.ts';
import { ComposeError } from './errors.ts';

/** What is meant of each service that anybody says something of; all others are `local`. */
export type Behaviors = ReadonlyMap<string, ServiceBehavior>;

/**
 * What the services' own `x-telepresence` says, and over it, whole, what the specification says of a
 * service. Names of services that are not there are errors.
 */
export function readBehaviors(
  document: ComposeDocument,
  intents: readonly ServiceIntent[],
): Behaviors {
  if (document['x-telepresence'] !== undefined) {
    throw new ComposeError(
      'BadBehavior',
      'x-telepresence says something of a service, and stands in none',
      {
        hint: 'write it below a service: services.NAME.x-telepresence',
      },
    );
  }
  const found = new Map<string, ServiceBehavior>();
  for (const [service, { 'x-telepresence': said }] of Object.entries(document.services)) {
    if (said === undefined) continue;
    found.set(service, readExtension(service, said));
  }
  for (const intent of intents) {
    const { name: service, ...behavior } = intent;
    if (!Object.hasOwn(document.services, service)) throw noSuchService(document, service);
    found.set(service, behavior);
  }
  return found;
}

function readExtension(service: string, said: unknown): ServiceBehavior {
  const parsed = parseBehavior(said);
  if ('behavior' in parsed) return parsed.behavior;
  const at = `services.${service}.x-telepresence`;
  const told = parsed.findings.map(({ path, message, allowed }) => {
    const field = formatPath(path);
    if (field === 'name')
      return `${at}.name: is no field: the service is the one that it stands in`;
    const may = allowed === undefined ? '' : `; allowed: ${allowed}`;
    return `${at}${field === '' ? '' : `.${field}`}: ${message}${may}`;
  });
  throw new ComposeError('BadBehavior', told.join('\n'));
}

function noSuchService(
  { services, name: project }: ComposeDocument,
  service: string,
): ComposeError {
  const there = Object.keys(services).join(', ');
  return new ComposeError(
    'BadBehavior',
    `the Compose project ${project} has no service ${service}`,
    {
      hint: `it has ${there === '' ? 'none' : there}; those of a profile only with docker.options: [--profile, NAME]`,
    },
  );
}

/** The services of one behaviour, in the document's order. */
export function servicesThatAre(
  document: ComposeDocument,
  all: Behaviors,
  wanted: ServiceBehavior['behavior'],
): readonly string[] {
  return Object.keys(document.services).filter(
    (service) => (all.get(service)?.behavior ?? 'local') === wanted,
  );
}
