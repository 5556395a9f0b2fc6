import { list, object, optional, required } from './build.ts';
import { connectionSchema, namedConnectionSchema } from './connection.ts';
import { namedHandler, namespace, ownName, workloadName } from './forms.ts';
import { handlerSchema } from './handler.ts';
import { interceptSchema } from './intercept.ts';
import type { Typed } from './shape.ts';

const prerequisite = object({
  create: required(namedHandler, 'Handler that runs to its end before the first intercept'),
  delete: optional(
    namedHandler,
    'Handler that runs after the last intercept, for certain once `create` succeeded',
  ),
});

const workload = object({
  name: required(
    workloadName,
    'Deployment, StatefulSet or ReplicaSet; `CONNECTION/NAME` where there are several connections',
  ),
  namespace: optional(namespace, 'Its namespace', { otherwise: "the connection's" }),
  intercepts: required(list(interceptSchema, { min: 1, max: 16 }), 'What is intercepted of it'),
});

/** The whole document: the one source of the parser, of both schemas, and of the table. */
export const specificationSchema = object(
  {
    name: optional(ownName, 'What the specification is called', {
      otherwise: "the file's name without its extension",
    }),
    connection: optional(connectionSchema, 'How the cluster is reached', {
      otherwise: "as the kubeconfig's current context says",
    }),
    connections: optional(
      list(namedConnectionSchema, { min: 1, uniqueBy: 'name' }),
      'Several connections; with more than one, what answers intercepts runs in containers',
    ),
    prerequisites: optional(list(prerequisite, { max: 16 }), 'What is run before and after'),
    workloads: required(list(workload, { min: 1, max: 32 }), 'What is intercepted'),
    handlers: required(
      list(handlerSchema, { min: 1, max: 64, uniqueBy: 'name' }),
      'Who answers what is intercepted',
    ),
  },
  [{ kind: 'atMostOne', of: ['connection', 'connections'] }],
);

/** A document whose fields are right, as it was written. */
export type Document = Typed<typeof specificationSchema>;
