import * as v from 'valibot';
import type { ServiceBehavior, ServiceIntent } from '#spec/compose-spec.ts';
import { behaviors } from '#spec/compose-spec.ts';
import type { ComposeDocument } from './document.ts';
import { ComposeError } from './errors.ts';

/** What is meant of each service that anybody says something of; all others are `local`. */
export type Behaviors = ReadonlyMap<string, ServiceBehavior>;

const name = v.pipe(v.string('a text'), v.minLength(1, 'a text'));

const extension = v.strictObject(
  {
    behavior: v.optional(v.picklist(behaviors, `one of ${behaviors.join(', ')}`), 'local'),
    mapping: v.optional(
      v.strictObject({ name, namespace: v.optional(name) }, 'name, and namespace if you like'),
    ),
    intercepts: v.optional(v.array(name, 'a list of names of intercepts')),
    connection: v.optional(name),
  },
  'behavior, mapping, intercepts, connection',
);

const keys = Object.keys(extension.entries).join(', ');

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
  for (const [service, behavior] of found) checkOne(service, behavior);
  return found;
}

function readExtension(service: string, said: unknown): ServiceBehavior {
  const parsed = v.safeParse(extension, said);
  if (parsed.success) return parsed.output;
  const issue = parsed.issues[0];
  const path = v.getDotPath(issue);
  const at = `services.${service}.x-telepresence${path === null ? '' : `.${path}`}`;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const isOuter = issue.path?.length === 1;
    const allowed = isOuter ? keys : 'name, namespace';
    const named = isOuter && path === 'name' ? ': the service is the one that it stands in' : '';
    throw new ComposeError('BadBehavior', `${at}: there is no such key${named}`, {
      hint: `the keys are ${allowed}`,
    });
  }
  throw new ComposeError('BadBehavior', `${at}: it is ${issue.message}`);
}

function checkOne(service: string, { behavior, mapping, intercepts }: ServiceBehavior): void {
  if (mapping !== undefined && behavior !== 'remote') {
    throw new ComposeError(
      'BadBehavior',
      `service ${service}: a mapping is for a service that is remote, and this is ${behavior}`,
      {
        hint: 'say behavior: remote, or leave mapping out',
      },
    );
  }
  if (intercepts !== undefined && behavior !== 'interceptHandler') {
    throw new ComposeError(
      'BadBehavior',
      `service ${service}: intercepts are for an interceptHandler, and this is ${behavior}`,
      {
        hint: 'say behavior: interceptHandler, or leave intercepts out',
      },
    );
  }
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
