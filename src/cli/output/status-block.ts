import { describe } from '#base/errors.ts';
import type {
  DescribeResponse,
  InterceptInfo,
  RootStatus,
  StatusResponse,
} from '#protocol/gen/telepresence_pb.ts';
import { alignKeyValues, type KeyValue } from './key-values.ts';
import { modeWords } from './mode-words.ts';
import { shownVersion } from './version-lines.ts';

/** What is known of a daemon in a container. */
export type InDocker = Pick<
  DescribeResponse,
  'networkContainer' | 'port' | 'hostname' | 'exposedPorts'
>;

/** What a container says to be in the daemon's network. */
export function containerNetwork({ networkContainer }: InDocker): string {
  return `container:${networkContainer}`;
}

/** What `status` prints where no user daemon runs; the root daemon may outlive one by a moment. */
export function stoppedStatusLines(rootVersion: string | undefined): readonly string[] {
  return [
    'OSS User Daemon: Not running',
    ...(rootVersion === undefined
      ? ['OSS Root Daemon: Not running']
      : [
          'OSS Root Daemon: Running',
          ...alignKeyValues([{ key: 'Version', value: shownVersion(rootVersion) }], 2),
        ]),
    'OSS Traffic Manager: Not connected',
  ];
}

/** A connection beside others, which each line of `--use` names. */
export interface OfSeveral {
  readonly connection: string;
}

/** What `status` prints of one of several that does not answer. */
export function silentStatusLines({ connection }: OfSeveral, error: unknown): readonly string[] {
  const pairs = [
    { key: 'Connection name', value: connection },
    { key: 'Error', value: describe(error) },
  ];
  return ['OSS User Daemon: Not answering', ...alignKeyValues(pairs, 2)];
}

/** What `status` prints of a running user daemon; where there are several, its name too. */
export function statusLines(
  status: StatusResponse,
  inDocker?: InDocker,
  of?: OfSeveral,
): readonly string[] {
  const name = of === undefined ? [] : [{ key: 'Connection name', value: of.connection }];
  return [
    'OSS User Daemon: Running',
    ...alignKeyValues([...name, ...userDaemon(status, inDocker)], 2),
    ...rootDaemonLines(status),
    ...managerLines(status),
  ];
}

function userDaemon(status: StatusResponse, inDocker?: InDocker): readonly KeyValue[] {
  const pairs: KeyValue[] = [
    { key: 'Version', value: shownVersion(status.version?.version) },
    { key: 'Executable', value: status.version?.executable ?? '' },
    { key: 'Install ID', value: status.installId },
    { key: 'Status', value: status.status },
  ];
  if (status.error !== '') pairs.push({ key: 'Error', value: status.error });
  if (inDocker !== undefined) {
    const { hostname, exposedPorts } = inDocker;
    pairs.push({ key: 'Container network', value: containerNetwork(inDocker) });
    if (hostname !== '') pairs.push({ key: 'Hostname', value: hostname });
    if (exposedPorts.length > 0) {
      pairs.push({ key: 'Exposed ports', value: `[${exposedPorts.join(' ')}]` });
    }
  }
  const { connection } = status;
  if (connection === undefined) return pairs;
  pairs.push(
    { key: 'Kubernetes server', value: connection.server },
    { key: 'Kubernetes context', value: connection.context },
    { key: 'Namespace', value: connection.namespace },
    { key: 'Manager namespace', value: connection.managerNamespace },
  );
  if (status.mappedNamespaces.length > 0) {
    pairs.push({ key: 'Mapped namespaces', value: `[${status.mappedNamespaces.join(' ')}]` });
  }
  if (status.transport !== '') pairs.push({ key: 'Transport', value: transportText(status) });
  pairs.push(...attachments(status));
  return pairs;
}

/** Intercepts, also where there are none; and whatever else there is. */
function attachments({ intercepts }: StatusResponse): readonly KeyValue[] {
  const of = Map.groupBy(intercepts, (info) => modeWords(info).title);
  const titles = ['Intercept', 'Wiretap', 'Ingest'].filter(
    (title) => title === 'Intercept' || of.has(title),
  );
  return titles.map((title) => {
    const those = of.get(title) ?? [];
    return {
      key: `${title}s`,
      value: `${String(those.length)} total`,
      beneath: those.map(interceptText),
    };
  });
}

/** `hello: alice@laptop`, and what is out of the ordinary. */
function interceptText(info: InterceptInfo): string {
  const { name, client, state, message, replaced, container } = info;
  const notes = [
    ...(replaced && container !== '' ? [`container ${container} replaced`] : []),
    ...(state === 'ACTIVE' ? [] : [[state, message].filter(Boolean).join(': ')]),
  ];
  return `${name}: ${client}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
}

function transportText({ transport, rttMs }: StatusResponse): string {
  return rttMs > 0 ? `${transport} (${rttMs.toFixed(1)} ms)` : transport;
}

function rootDaemonLines({ root, connection }: StatusResponse): readonly string[] {
  if (root?.running !== true) {
    const why: KeyValue[] = [];
    if (root !== undefined && root.error !== '') why.push({ key: 'Error', value: root.error });
    // Only who is connected misses it.
    if (connection !== undefined) why.push({ key: 'Next step', value: 'telepresence connect' });
    return ['OSS Root Daemon: Not running', ...alignKeyValues(why, 2)];
  }
  const pairs: KeyValue[] = [{ key: 'Version', value: shownVersion(root.version) }];
  if (root.error !== '') pairs.push({ key: 'Error', value: root.error });
  if (root.dns !== undefined) {
    pairs.push({ key: 'DNS', value: '', beneath: alignKeyValues(dnsPairs(root.dns), 0) });
  }
  if (root.dns !== undefined || root.subnets.length > 0) {
    pairs.push(subnetList('Subnets', root.subnets));
  }
  if (root.virtualSubnets.length > 0) pairs.push(virtualList(root.virtualSubnets));
  if (root.alsoProxy.length > 0) pairs.push(subnetList('Also Proxy', root.alsoProxy));
  if (root.neverProxy.length > 0) pairs.push(subnetList('Never Proxy', root.neverProxy));
  return ['OSS Root Daemon: Running', ...alignKeyValues(pairs, 2)];
}

function dnsPairs(dns: NonNullable<RootStatus['dns']>): readonly KeyValue[] {
  const pairs: KeyValue[] = [];
  if (dns.localAddress !== '') pairs.push({ key: 'Local IP', value: dns.localAddress });
  pairs.push(
    { key: 'Remote IP', value: dns.remoteAddress },
    { key: 'Exclude suffixes', value: `[${dns.excludeSuffixes.join(' ')}]` },
    { key: 'Include suffixes', value: `[${dns.includeSuffixes.join(' ')}]` },
    ...(dns.excludes.length === 0
      ? []
      : [{ key: 'Excludes', value: `[${dns.excludes.join(' ')}]` }]),
    ...(dns.mappings.length === 0 ? [] : [mappingList(dns.mappings)]),
    { key: 'Timeout', value: `${String(dns.timeoutMs / 1000)}s` },
  );
  if (dns.error !== '') pairs.push({ key: 'Error', value: dns.error });
  return pairs;
}

function mappingList(mappings: NonNullable<RootStatus['dns']>['mappings']): KeyValue {
  return {
    key: 'Mappings',
    value: '',
    beneath: mappings.map(({ name, aliasFor }) => `- ${name} for ${aliasFor}`),
  };
}

function subnetList(key: string, subnets: readonly string[]): KeyValue {
  return {
    key,
    value: `(${String(subnets.length)} subnets)`,
    beneath: subnets.map((subnet) => `- ${subnet}`),
  };
}

function virtualList(virtual: RootStatus['virtualSubnets']): KeyValue {
  return {
    key: 'Virtual Subnets',
    value: `(${String(virtual.length)} subnets)`,
    beneath: virtual.map(({ subnet, knownAs, why, via }) => {
      const reasons = [
        ...(via === '' ? [] : [`via ${via}`]),
        ...(why === '' ? [] : [`overlaps with ${why}`]),
      ];
      const known = knownAs === '' ? subnet : `${subnet} as ${knownAs}`;
      return `- ${known}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`;
    }),
  };
}

function managerLines(status: StatusResponse): readonly string[] {
  if (status.status !== 'Connected') return ['OSS Traffic Manager: Not connected'];
  const pairs: KeyValue[] = [{ key: 'Version', value: shownVersion(status.managerVersion) }];
  if (status.agentImage !== '') pairs.push({ key: 'Traffic Agent', value: status.agentImage });
  return ['OSS Traffic Manager: Connected', ...alignKeyValues(pairs, 2)];
}
