import type { ConnectionSpec } from '#spec/connection-spec.ts';
import type { ContainerHandler, HandlerSpec } from '#spec/handler-spec.ts';
import type { InterceptSpec, Specification, WorkloadSpec } from '#spec/specification.ts';

/** For tests: a connection that says nothing but its name. */
export function connectionSpec(name?: string): ConnectionSpec {
  return {
    name,
    asGroups: [],
    mappedNamespaces: [],
    alsoProxy: [],
    neverProxy: [],
    allowConflictingSubnets: [],
    expose: [],
  };
}

/** For tests: an intercept of all traffic. */
export function interceptSpec(
  changes: Partial<InterceptSpec> & { handler: string },
): InterceptSpec {
  return {
    name: changes.handler,
    enabled: true,
    traffic: { kind: 'all' },
    localAddress: '127.0.0.1',
    plaintext: false,
    meta: [],
    replace: false,
    ...changes,
  };
}

/** For tests: a workload with these intercepts. */
export function workloadSpec(
  name: string,
  intercepts: readonly InterceptSpec[],
  connection?: string,
): WorkloadSpec {
  return { name, connection, intercepts };
}

/** For tests: a handler with an image. */
export function containerHandler(name: string): ContainerHandler {
  const source = { kind: 'image', image: 'img' } as const;
  return { kind: 'container', name, environment: [], source, ports: [], options: [], args: [] };
}

/** For tests: a script. */
export function scriptHandler(name: string): HandlerSpec {
  return { kind: 'script', name, environment: [], run: 'true' };
}

/** For tests: a specification of these. */
export function specificationOf(
  changes: Partial<Specification> & Pick<Specification, 'workloads' | 'handlers'>,
): Specification {
  return { name: 'sample', connections: [connectionSpec()], prerequisites: [], ...changes };
}
