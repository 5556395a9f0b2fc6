import { describe } from '#base/errors.ts';
import type { StatusResponse } from '#protocol/gen/telepresence_pb.ts';
import type { InterceptMode } from '#protocol/intercept-mode.ts';
import { modeWords } from './mode-words.ts';
import { containerNetwork, type InDocker, type OfSeveral } from './status-block.ts';
import { omitEmpty } from './omit-empty.ts';
import { shownVersion } from './version-lines.ts';

/** What `status` gives programs where no user daemon runs. */
export function stoppedStatusObject(rootVersion: string | undefined): object {
  const root = rootVersion === undefined ? {} : { running: true, ...rootNames(rootVersion) };
  return { user_daemon: {}, root_daemon: root, traffic_manager: {} };
}

/** What it gives of one of several that does not answer. */
export function silentStatusObject({ connection }: OfSeveral, error: unknown): object {
  const daemon = { connection_name: connection, in_docker: true, error: describe(error) };
  return { daemon, traffic_manager: {} };
}

/** What `status` gives programs; the names of the fields are a contract, as is leaving out empty ones. */
export function statusObject(status: StatusResponse, inDocker?: InDocker): object {
  if (inDocker !== undefined) {
    // Both daemons are one there.
    const daemon = {
      ...rootDaemon(status),
      ...userDaemon(status),
      in_docker: true,
      daemon_port: inDocker.port,
      container_network: containerNetwork(inDocker),
      hostname: inDocker.hostname,
      exposedPorts: inDocker.exposedPorts,
    };
    return { daemon: omitEmpty(daemon), traffic_manager: omitEmpty(manager(status)) };
  }
  return {
    user_daemon: omitEmpty(userDaemon(status)),
    root_daemon: omitEmpty(rootDaemon(status)),
    traffic_manager: omitEmpty(manager(status)),
  };
}

function userDaemon(status: StatusResponse): object {
  const { connection, version } = status;
  return {
    running: true,
    name: version?.name,
    version: shownVersion(version?.version),
    executable: version?.executable,
    install_id: status.installId,
    status: status.status,
    error: status.error,
    connection_name: connection?.name,
    kubernetes_server: connection?.server,
    kubernetes_context: connection?.context,
    namespace: connection?.namespace,
    manager_namespace: connection?.managerNamespace,
    mapped_namespaces: status.mappedNamespaces,
    transport: status.transport,
    round_trip_ms: Math.round(status.rttMs * 1000) / 1000,
    intercepts: attachmentsOf(status, 'intercept'),
    wiretaps: attachmentsOf(status, 'wiretap'),
    ingests: attachmentsOf(status, 'ingest'),
  };
}

function attachmentsOf({ intercepts }: StatusResponse, mode: InterceptMode): object[] {
  return intercepts
    .filter((info) => modeWords(info).noun === mode)
    .map(({ name, client, state, message, replaced, container }) =>
      replaced
        ? { name, client, state, message, replaced_container: container }
        : { name, client, state, message },
    );
}

const nsInMs = 1e6;

function rootDaemon({ root }: StatusResponse): object {
  if (root?.running !== true) return { error: root?.error };
  const { dns } = root;
  return {
    running: true,
    ...rootNames(root.version),
    error: root.error,
    dns: dns && {
      local_ip: dns.localAddress,
      remote_ip: dns.remoteAddress,
      include_suffixes: dns.includeSuffixes,
      exclude_suffixes: dns.excludeSuffixes,
      excludes: dns.excludes,
      mappings: dns.mappings.map(({ name, aliasFor }) => ({ name, aliasFor })),
      lookup_timeout: dns.timeoutMs * nsInMs,
      error: dns.error,
    },
    subnets: root.subnets,
    also_proxy_subnets: root.alsoProxy,
    never_proxy_subnets: root.neverProxy,
    allow_conflicting_subnets: root.allowConflictingSubnets,
    virtual_subnets: root.virtualSubnets.map(({ subnet, knownAs, why, via }) =>
      omitEmpty({ subnet, virtual_subnet: knownAs, reason: why, via }),
    ),
  };
}

function rootNames(version: string): object {
  return { name: 'OSS Root Daemon', version: shownVersion(version) };
}

function manager(status: StatusResponse): object {
  if (status.status !== 'Connected') return {};
  return {
    name: 'OSS Traffic Manager',
    version: shownVersion(status.managerVersion),
    traffic_agent: status.agentImage,
  };
}
