import { parse } from 'yaml';
import * as v from 'valibot';
import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { ServedIntercept } from '../handler-kind.ts';

/** What somebody who runs the handler himself is told; the names are those of the peer's document. */
export interface ExternalDocument {
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly intercepts: readonly ExternalIntercept[];
}

interface ExternalIntercept {
  readonly id: string;
  readonly name: string;
  readonly disposition: string;
  readonly message?: string;
  readonly workload_kind: string;
  readonly target_host: string;
  readonly target_port: number;
  readonly service_port_id?: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly mount?: ExternalMount;
  readonly filter_desc: string;
  readonly global: boolean;
  /** The container whose network a container joins that answers; not in the peer's document. */
  readonly network_container?: string;
}

interface ExternalMount {
  readonly local_dir?: string;
  readonly remote_dir?: string;
  readonly pod_ip?: string;
  readonly mounts?: readonly string[];
  readonly error?: string;
}

/** The document of one handler. */
export function externalDocument(
  { name, environment }: Pick<ExternalDocument, 'name' | 'environment'>,
  served: readonly Pick<ServedIntercept, 'info' | 'connection'>[],
): ExternalDocument {
  return {
    name,
    environment,
    intercepts: served.map(({ info, connection }) => {
      const container = connection.inDocker?.networkContainer;
      return {
        ...externalIntercept(info),
        ...(container === undefined ? {} : { network_container: container }),
      };
    }),
  };
}

const documentShape = v.strictObject({
  name: v.string(),
  environment: v.record(v.string(), v.string()),
  intercepts: v.array(v.looseObject({ id: v.string(), disposition: v.string() })),
});

/** Whether a text is such a document, of whatever run. */
export function isExternalDocument(text: string): boolean {
  try {
    return v.is(documentShape, parse(text));
  } catch {
    return false;
  }
}

function externalIntercept(info: InterceptInfo): ExternalIntercept {
  const mount = externalMount(info);
  return {
    id: info.id,
    name: info.name,
    disposition: info.state,
    ...(info.message === '' ? {} : { message: info.message }),
    workload_kind: info.workloadKind,
    target_host: info.targetHost,
    target_port: info.targetPort,
    ...(info.servicePort === '' ? {} : { service_port_id: info.servicePort }),
    environment: { ...info.environment },
    ...(mount === undefined ? {} : { mount }),
    filter_desc: 'all TCP requests',
    global: true,
  };
}

/** Nothing where nobody wants to see files. */
function externalMount(info: InterceptInfo): ExternalMount | undefined {
  if (info.mountPoint === '' && info.mountError === '') return undefined;
  return {
    ...(info.mountPoint === '' ? {} : { local_dir: info.mountPoint, remote_dir: '/' }),
    ...(info.podIp === '' ? {} : { pod_ip: info.podIp }),
    ...(info.mounts.length === 0 ? {} : { mounts: [...info.mounts] }),
    ...(info.mountError === '' ? {} : { error: info.mountError }),
  };
}
