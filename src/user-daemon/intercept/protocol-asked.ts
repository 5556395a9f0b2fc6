import type { PortProtocol } from '#protocol/agent-config.ts';
import type { ServiceInfo } from '#protocol/gen/telepresence_pb.ts';
import type { InterceptSpec } from '#protocol/resources.ts';

/** What is asked for, and where. */
interface Asked {
  readonly namespace: string;
  readonly spec: Pick<InterceptSpec, 'workload' | 'service' | 'port'>;
}

/**
 * What the port that is asked for most likely speaks, as its namespace's Services are: before anything
 * is changed for it. The manager's word is what counts in the end.
 */
export function protocolAsked(
  { namespace, spec }: Asked,
  services: Iterable<Pick<ServiceInfo, 'namespace' | 'name' | 'ports'>>,
): PortProtocol {
  const [id, said] = spec.port?.split('/') ?? [];
  if (said !== undefined) return said.toUpperCase() === 'UDP' ? 'UDP' : 'TCP';
  const here = [...services].filter((one) => one.namespace === namespace);
  const named = spec.service ?? spec.workload.name;
  const meant = here.filter((one) => one.name === named);
  // A workload's Service need not be called as it is.
  const ports = (meant.length > 0 || spec.service !== undefined ? meant : here)
    .flatMap((one) => one.ports)
    .filter(({ name, port }) => id === undefined || name === id || String(port) === id);
  return ports.length > 0 && ports.every(({ protocol }) => protocol === 'UDP') ? 'UDP' : 'TCP';
}
