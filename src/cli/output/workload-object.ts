import type { InterceptInfo, ListedWorkload } from '#protocol/gen/telepresence_pb.ts';
import { whatIsTaken } from './intercept-block.ts';
import { modeWords } from './mode-words.ts';
import { omitEmpty } from './omit-empty.ts';

/** A workload as `list` gives it to programs. */
export function workloadObject({ workload, intercepts }: ListedWorkload): object {
  if (workload === undefined) return {};
  const { name, namespace, uid, kind, notInterceptableReason, agentInstalled, heldBy } = workload;
  return omitEmpty({
    name,
    namespace,
    uid,
    workload_resource_type: kind,
    not_interceptable_reason: notInterceptableReason,
    sidecar: agentInstalled
      ? { agentName: name, namespace, workloadName: name, workloadKind: kind }
      : undefined,
    intercept_infos: intercepts.filter((one) => !isIngest(one)).map(interceptInfo),
    ingest_infos: intercepts.filter(isIngest).map(ingestInfo),
    ...heldByObject(heldBy),
  });
}

function isIngest(info: InterceptInfo): boolean {
  return modeWords(info).noun === 'ingest';
}

/** Who has it, and who looks on. */
function heldByObject(heldBy: NonNullable<ListedWorkload['workload']>['heldBy']): object {
  return Object.fromEntries(
    [...Map.groupBy(heldBy, (one) => `${modeWords(one).done}_by`)].map(([key, those]) => [
      key,
      those.map(({ client, name, state, replaced }) => ({
        client,
        name,
        disposition: state,
        replace: replaced,
      })),
    ]),
  );
}

function ingestInfo(info: InterceptInfo): object {
  return {
    id: info.id,
    name: info.name,
    client: info.client,
    workload: info.workload,
    workload_kind: info.workloadKind,
    namespace: info.namespace,
    container: info.container,
    disposition: info.state,
    message: info.message,
    pod_ip: info.podIp,
    mount_point: info.mountPoint,
    mount_error: info.mountError,
  };
}

function interceptInfo(info: InterceptInfo): object {
  return {
    id: info.id,
    spec: {
      name: info.name,
      client: info.client,
      agent: info.workload,
      workload_kind: info.workloadKind,
      namespace: info.namespace,
      mechanism: 'tcp',
      service_name: info.service,
      port_identifier: info.servicePort,
      container_name: info.container,
      container_port: info.containerPort,
      protocol: info.protocol,
      target_host: info.targetHost,
      target_port: info.targetPort,
      replace: info.replaced,
      ports: portObjects(info),
      ...(modeWords(info).noun === 'wiretap' ? { wiretap: true } : {}),
    },
    disposition: info.state,
    message: info.message,
    pod_ip: info.podIp,
    mount_point: info.mountPoint,
    mount_error: info.mountError,
  };
}

function portObjects({ ports }: InterceptInfo): object[] {
  return ports.map(({ name, port, protocol, target }) => ({
    name,
    container_port: port,
    protocol,
    target_port: target,
  }));
}

function mountObject(info: InterceptInfo): object {
  return {
    local_dir: info.mountPoint,
    // The root of what is served: the pod's own paths are below both.
    remote_dir: info.mountPoint === '' ? '' : '/',
    error: info.mountError,
    note: info.mountNote,
    pod_ip: info.mountPoint === '' ? '' : info.podIp,
    mounts: info.mounts,
  };
}

/** What `--detailed-output` gives to programs, of an intercept or a wiretap, or else of an ingest. */
export function attachmentObject(info: InterceptInfo): object {
  return isIngest(info) ? ingestObject(info) : interceptObject(info);
}

function ingestObject(info: InterceptInfo): object {
  const known = omitEmpty({
    id: info.id,
    name: info.name,
    disposition: info.state,
    message: info.message,
    workload: info.workload,
    workload_kind: info.workloadKind,
    container: info.container,
    mount: mountObject(info),
    pod_ip: info.podIp,
  });
  return { ...known, environment: info.environment };
}

function interceptObject(info: InterceptInfo): object {
  const known = omitEmpty({
    id: info.id,
    name: info.name,
    disposition: info.state,
    message: info.message,
    workload_kind: info.workloadKind,
    target_host: info.targetHost,
    target_port: info.targetPort,
    service_port_id: info.service === '' ? '' : info.servicePort,
    port_id: info.service === '' ? info.servicePort : '',
    container_port: info.containerPort,
    replaced_container: info.replaced ? info.container : '',
    ports: portObjects(info),
    mount: mountObject(info),
    filter_desc: whatIsTaken(info),
    global: true,
    ...(modeWords(info).noun === 'wiretap' ? { wiretap: true } : {}),
    pod_ip: info.podIp,
  });
  // A variable that is empty is one all the same.
  return { ...known, environment: info.environment };
}
