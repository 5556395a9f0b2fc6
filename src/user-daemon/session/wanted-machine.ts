import { create } from '@bufbuild/protobuf';
import {
  AddressPortSchema,
  DesiredDnsSchema,
  DnsSettingsSchema,
  type AddressPort,
  type ClusterInfo,
  type ContainerBridge,
  type DnsSettings,
} from '#protocol/gen/telepresence_pb.ts';
import type { ClusterModel } from '../names/cluster-model.ts';
import type { WantedMachine } from './machine.ts';
import { virtualMachine, type NamedSubnets, type VirtualWishes } from './virtual-wishes.ts';

/** What of the machine does not change while a session lasts. */
export interface MachineFacts {
  readonly redirectPort: number;
  /** That port is listened on at ::1 too. */
  readonly ipv6: boolean;
  readonly answerSocket: string;
  readonly apiServer: readonly { readonly address: string; readonly port: number }[];
  /** The connected one: names of a single label are of it. */
  readonly namespace: string;
  readonly mappedNamespaces: readonly string[];
  readonly alsoProxy: readonly string[];
  readonly neverProxy: readonly string[];
  readonly allowConflicting: readonly string[];
  /** The device is read: what is no Service is tried before it is redirected. */
  readonly gate: boolean;
  /** What user and administrator say of names. */
  readonly dns: DnsSettings;
  /** Names that mean something where the cluster does not know them. */
  readonly fallbackNames: readonly string[];
  readonly virtual: VirtualWishes;
  readonly bridges: readonly ContainerBridge[];
}

/** Suffixes of the world's names that are never asked of a cluster, as they always were. */
const excludeSuffixes = ['.com', '.io', '.net', '.org', '.ru'];

/** What the administrator says of names; a manager of an earlier version says less. */
export function adminsDns(info: ClusterInfo | undefined): DnsSettings {
  if (info?.dns !== undefined) return info.dns;
  const { excludeSuffixes: never = [], includeSuffixes: always = [] } = info ?? {};
  return create(DnsSettingsSchema, {
    ...(never.length === 0 ? {} : { excludeSuffixes: { values: never } }),
    ...(always.length === 0 ? {} : { includeSuffixes: { values: always } }),
  });
}

/** The machine as the session wants it, for the cluster as it is now; undefined before the first snapshot. */
export function wantedMachine(
  model: Pick<ClusterModel, 'info' | 'services' | 'namespaces'>,
  facts: MachineFacts,
): WantedMachine | undefined {
  const { info } = model;
  if (info === undefined) return undefined;
  const mapped = facts.mappedNamespaces;
  const clusterDomain = info.clusterDomain === '' ? 'cluster.local' : info.clusterDomain;
  return {
    redirectPort: facts.redirectPort,
    ipv6: facts.ipv6,
    subnets: [...new Set([...info.serviceSubnets, ...info.podSubnets])],
    neverProxy: [...facts.neverProxy, ...info.neverProxy],
    neverPorts: facts.apiServer.map((each) => create(AddressPortSchema, each)),
    serviceSubnets: [...info.serviceSubnets],
    openServices: openServices(model),
    alsoProxy: [...facts.alsoProxy, ...info.alsoProxy],
    ...virtualMachine(facts.virtual, namedSubnets(info, facts), info),
    allowConflictingSubnets: false,
    allowConflicting: [...facts.allowConflicting, ...info.allowConflicting],
    gate: facts.gate,
    bridges: [...facts.bridges],
    dns: create(DesiredDnsSchema, {
      clusterDomain,
      namespaces: [...model.namespaces].filter((n) => mapped.length === 0 || mapped.includes(n)),
      answerSocket: facts.answerSocket,
      excludeSuffixes: facts.dns.excludeSuffixes?.values ?? excludeSuffixes,
      includeSuffixes: facts.dns.includeSuffixes?.values ?? [],
      excludes: facts.dns.excludes?.values ?? [],
      mappedNames: [
        ...(facts.dns.mappings?.values.map(({ name }) => name) ?? []),
        ...facts.fallbackNames,
      ],
      lookupTimeoutMs: facts.dns.lookupTimeoutMs,
      remoteAddress: info.dnsAddress,
      search: [`${facts.namespace}.svc.${clusterDomain}`],
    }),
  };
}

/** What people mean by service, pods and also. */
export function namedSubnets(
  info: Pick<ClusterInfo, 'serviceSubnets' | 'podSubnets' | 'alsoProxy'>,
  { alsoProxy }: Pick<MachineFacts, 'alsoProxy'>,
): NamedSubnets {
  return {
    service: info.serviceSubnets,
    pods: info.podSubnets,
    also: [...alsoProxy, ...info.alsoProxy],
  };
}

/** Ports of Services behind which somebody is ready; the kernel refuses all others. */
function openServices({ services }: Pick<ClusterModel, 'services'>): AddressPort[] {
  return [...services.values()].flatMap(({ addresses, ports }) =>
    ports
      .filter(({ ready, protocol }) => ready && protocol === 'TCP')
      .flatMap(({ port }) =>
        addresses.map((address) => create(AddressPortSchema, { address, port })),
      ),
  );
}
