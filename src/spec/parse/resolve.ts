import type { ConnectionSpec } from '../connection-spec.ts';
import type { Document } from '../schema/specification.ts';
import type { Specification, WorkloadSpec } from '../specification.ts';
import { defaultName, splitName } from './parts.ts';
import { resolveHandler } from './resolve-handler.ts';
import { resolveIntercept } from './resolve-intercept.ts';

/** A document that is right, as it is meant. */
export function resolve(document: Document, fallbackName: string): Specification {
  const written = document.connections ?? [document.connection ?? {}];
  const connections = written.map(resolveConnection);
  return {
    name: document.name ?? fallbackName,
    connections,
    prerequisites: document.prerequisites ?? [],
    workloads: document.workloads.map((workload) => resolveWorkload(workload, connections)),
    handlers: document.handlers.map(resolveHandler),
  };
}

function resolveConnection(written: NonNullable<Document['connection']>): ConnectionSpec {
  const { expose = [] } = written;
  return {
    ...written,
    asGroups: written.asGroups ?? [],
    mappedNamespaces: written.mappedNamespaces ?? [],
    alsoProxy: written.alsoProxy ?? [],
    neverProxy: written.neverProxy ?? [],
    allowConflictingSubnets: written.allowConflictingSubnets ?? [],
    expose: typeof expose === 'string' ? [expose] : expose,
  };
}

function resolveWorkload(
  { name: full, namespace, intercepts }: Document['workloads'][number],
  connections: readonly ConnectionSpec[],
): WorkloadSpec {
  const { name, prefix } = splitName(full);
  return {
    name,
    connection: prefix ?? connections[0]?.name,
    namespace,
    intercepts: intercepts.map((one) => resolveIntercept(one, defaultName(name, namespace))),
  };
}
