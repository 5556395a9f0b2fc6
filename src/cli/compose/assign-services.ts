import { servicesThatAre, type Behaviors } from '#compose/behaviors.ts';
import type { ComposeDocument } from '#compose/document.ts';
import { CliError } from '../errors.ts';

/** An intercept of a handler, as far as its services are concerned. */
export interface AssignedIntercept {
  readonly name: string;
  readonly connection: { readonly name: string };
}

/** Which intercepts each service handles; all of one service are of one connection. */
export function assignServices<Intercept extends AssignedIntercept>(
  document: ComposeDocument,
  behaviors: Behaviors,
  of: {
    readonly intercepts: readonly Intercept[];
    /** Names of all connections of the run. */
    readonly connections: readonly string[];
  },
): {
  readonly assigned: ReadonlyMap<string, readonly Intercept[]>;
  readonly notes: readonly string[];
} {
  const { intercepts, connections } = of;
  for (const [service, { connection }] of behaviors) {
    if (connection === undefined || connections.includes(connection)) continue;
    throw wrong(`service ${service}: there is no connection ${connection}`, {
      hint: `the specification has ${connections.filter(Boolean).join(', ') || 'one without a name: leave connection out'}`,
    });
  }
  const handlers = servicesThatAre(document, behaviors, 'interceptHandler');
  const [first] = handlers;
  if (first === undefined && intercepts.length > 0) {
    throw wrong(
      `no service of the Compose project ${document.name} handles ${named(intercepts)}: none is an interceptHandler`,
      {
        hint: 'say so in compose.services, or in the service: x-telepresence: {behavior: interceptHandler}',
      },
    );
  }
  const assigned = new Map(
    handlers.map((service) => [service, interceptsOf(service, behaviors, intercepts)]),
  );
  const taken = new Set([...assigned.values()].flat());
  const left = intercepts.filter((one) => !taken.has(one));
  const used = new Set(intercepts.map((one) => one.connection.name));
  const untold = servicesThatAre(document, behaviors, 'remote').flatMap((service) => {
    const { connection } = behaviors.get(service) ?? {};
    return connection === undefined || used.has(connection)
      ? []
      : [
          `service ${service}: nobody here is in the connection ${connection}, and so its name is known to nobody`,
        ];
  });
  const notes = [
    ...left.map(({ name }) => `no service handles the intercept ${name}: its requests are refused`),
    ...untold,
  ];
  return { assigned, notes };
}

function interceptsOf<Intercept extends AssignedIntercept>(
  service: string,
  behaviors: Behaviors,
  all: readonly Intercept[],
): readonly Intercept[] {
  const { connection, intercepts: names } = behaviors.get(service) ?? {};
  for (const name of names ?? []) {
    if (all.some((one) => one.name === name)) continue;
    throw wrong(`service ${service}: there is no intercept ${name} that this handler is for`, {
      hint: all.length === 0 ? 'no intercept names this handler' : `it is for ${named(all)}`,
    });
  }
  // In the order in which the service names them: the first one wins where two pods differ.
  const meant =
    names === undefined ? all : names.flatMap((name) => all.filter((one) => one.name === name));
  const own = meant.filter((one) => connection === undefined || one.connection.name === connection);
  const [first] = own;
  if (first === undefined) {
    throw wrong(`service ${service} is an interceptHandler, and no intercept is for it`, {
      hint:
        all.length === 0
          ? 'no intercept names this handler'
          : 'make it local, or let it have one of its intercepts',
    });
  }
  const other = own.find((one) => one.connection.name !== first.connection.name);
  if (other !== undefined) {
    throw wrong(
      `service ${service}: its intercepts are of the connections ${first.connection.name} and ${other.connection.name}, and it can be in one of them`,
      { hint: 'name it: connection in the service; and a service for the other one' },
    );
  }
  return own;
}

function named(intercepts: readonly AssignedIntercept[]): string {
  const names = intercepts.map(({ name }) => name).join(', ');
  return `${intercepts.length === 1 ? 'the intercept' : 'the intercepts'} ${names}`;
}

function wrong(message: string, options: { readonly hint: string }): CliError {
  return new CliError('Failed', message, options);
}
