import { CliError } from '../errors.ts';
import type { IntendedIntercept, RunConnection } from './handlers/handler-kind.ts';
import type { PlannedIntercept, RunPlan } from './plan.ts';

/** Where nobody listens: tcpmux, which was never used. What is there by default may well be somebody. */
const nobodysPort = 1;

/** An intercept as it is made: which connection, and where its handler listens. */
export function intend(
  { spec, workload, namespace, connection: name }: PlannedIntercept,
  { handlers }: Pick<RunPlan, 'handlers'>,
  of: { readonly connections: readonly RunConnection[]; readonly defaultPort: number },
): IntendedIntercept {
  const connection = of.connections.find((one) => one.name === (name ?? ''));
  if (connection === undefined) {
    throw new CliError('Usage', `workload ${workload}: there is no connection ${name ?? ''}`);
  }
  const isAnswered = handlers.some(
    ({ handler }) => handler.name === spec.handler && handler.kind !== 'none',
  );
  return {
    name: spec.name,
    connection,
    workload,
    namespace: namespace ?? connection.namespace,
    localPort: spec.localPort ?? (isAnswered ? of.defaultPort : nobodysPort),
    mountPoint: spec.mountPoint,
  };
}

interface Listening {
  readonly spec: Pick<PlannedIntercept['spec'], 'handler' | 'localPort'>;
  readonly localPort: number;
}

/** Whether two intercepts may go to one port: one answers for both, or nobody for either. */
export function mayShare(one: Listening, other: Listening): boolean {
  const isNobodys = ({ spec, localPort }: Listening): boolean =>
    spec.localPort === undefined && localPort === nobodysPort;
  return one.spec.handler === other.spec.handler || (isNobodys(one) && isNobodys(other));
}
