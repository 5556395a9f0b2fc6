import { behaviors } from '../compose-spec.ts';
import { choice, free, list, object, optional, required } from './build.ts';
import { filled, namedConnection, namedIntercept, namespace, service } from './forms.ts';
import type { Rule } from './shape.ts';

const mapping = object({
  name: required(service, 'Service of the cluster that answers for it'),
  namespace: optional(namespace, 'Namespace of that Service', { otherwise: "the intercept's" }),
});

const behavior = {
  behavior: optional(
    choice(...behaviors),
    'It answers intercepted traffic (`interceptHandler`), it stays in the cluster (`remote`), or it runs here as always (`local`)',
    { fallback: 'local' },
  ),
  mapping: optional(mapping, 'What answers for it in the cluster; only of a `remote` one', {
    otherwise: 'the Service of its own name',
  }),
  intercepts: optional(list(namedIntercept), 'The intercepts that it answers; only of an `interceptHandler`', {
    otherwise: "all of the handler's",
  }),
  connection: optional(namedConnection, 'The connection that it uses, where there are several'),
};

const rules: readonly Rule[] = [
  { kind: 'onlyWhere', field: 'behavior', is: 'remote', other: 'mapping' },
  { kind: 'onlyWhere', field: 'behavior', is: 'interceptHandler', other: 'intercepts' },
];

/** `x-telepresence` of a service in a Compose file. */
export const serviceBehaviorSchema = object(behavior, rules);

/** `compose` of a handler. */
export const composeSchema = object({
  context: optional(filled, 'Compose file, or a directory that holds one', {
    otherwise: "the specification's directory",
  }),
  spec: optional(free, 'A Compose document, in the place of a file'),
  services: optional(
    list(
      object(
        { name: required(filled, 'Name of the service in the Compose document'), ...behavior },
        rules,
      ),
      { uniqueBy: 'name', max: 256 },
    ),
    'What is meant of services, over their own `x-telepresence`',
  ),
});
