import { create } from '@bufbuild/protobuf';
import { InterceptInfoSchema, type InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import { modeOf } from '#protocol/intercept-mode.ts';
import type { Intercept, InterceptState } from '#protocol/resources.ts';

const states: Readonly<Record<InterceptState, string>> = {
  Waiting: 'WAITING',
  Active: 'ACTIVE',
  Error: 'ERROR',
  Disconnected: 'DISCONNECTED',
};

/** An Intercept as the CLI shows it. */
export function interceptInfo({ metadata, spec, status }: Intercept): InterceptInfo {
  const { agents } = status;
  return create(InterceptInfoSchema, {
    id: metadata.uid,
    name: spec.name,
    namespace: metadata.namespace,
    state: states[status.state ?? 'Waiting'],
    message: status.message ?? '',
    workloadKind: status.workloadKind ?? '',
    workload: spec.workload.name,
    targetHost: spec.target?.host ?? '',
    targetPort: spec.target?.port ?? 0,
    service: status.service ?? '',
    servicePort: portIdentifier({ spec, status }),
    container: status.container ?? '',
    containerPort: status.containerPort ?? 0,
    protocol: status.protocol ?? '',
    client: spec.client,
    podIp: status.podIP ?? '',
    replaced: spec.replaceContainer ?? false,
    wholeContainer: spec.containerPorts !== undefined,
    ports: (status.ports ?? []).map(({ name = '', port, protocol, target }) => {
      return { name, port, protocol, target };
    }),
    mode: modeOf(spec) === 'intercept' ? '' : modeOf(spec),
    agents: agents === undefined ? '' : `${String(agents.ready)}/${String(agents.wanted)}`,
  });
}

/** Named only where there is a choice: the service has several ports, or the user chose one. */
function portIdentifier({ spec, status }: Pick<Intercept, 'spec' | 'status'>): string {
  if (status.severalPorts !== true && spec.port === undefined) return '';
  const port = status.servicePort;
  if (port === undefined) return spec.port ?? '';
  return port.name ?? `${String(port.port)}${status.protocol === 'UDP' ? '/UDP' : ''}`;
}
