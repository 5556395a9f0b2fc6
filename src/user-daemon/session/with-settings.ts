import { create } from '@bufbuild/protobuf';
import {
  brokenExtension,
  clusterExtensionName,
  clusterSettingNotes,
  dnsOver,
  parseClusterSettings,
  timeoutsOver,
  type ExtendedCluster,
} from '#protocol/client-settings.ts';
import { noteSentence } from '#protocol/check-settings.ts';
import { ConnectRequestSchema, type ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';

const defaultManagerNamespace = 'ambassador';

/**
 * The request as it is meant: what was typed, then what the kubeconfig's cluster says, then config.yml.
 * Subnets of all of them are meant together.
 */
export function withSettings(request: ConnectRequest, access: ExtendedCluster): ConnectRequest {
  const settings = parseClusterSettings(access.extension?.(clusterExtensionName));
  if (!settings.ok) {
    const { message, hint } = brokenExtension(access, settings);
    throw new UserDaemonError('BadKubeconfig', message, { facts: { hint } });
  }
  const said = settings.value;
  const firstOf = (...lists: (readonly string[])[]): string[] => [
    ...(lists.find((list) => list.length > 0) ?? []),
  ];
  const all = (...lists: (readonly string[])[]): string[] => [...new Set(lists.flat())];
  return create(ConnectRequestSchema, {
    ...request,
    managerNamespace:
      request.managerNamespace ||
      said.managerNamespace ||
      request.defaultManagerNamespace ||
      defaultManagerNamespace,
    mappedNamespaces: request.allMapped
      ? request.mappedNamespaces
      : firstOf(request.mappedNamespaces, said.mappedNamespaces, request.defaultMappedNamespaces),
    alsoProxy: all(request.alsoProxy, said.alsoProxy),
    neverProxy: all(request.neverProxy, said.neverProxy),
    allowConflictingSubnets: all(request.allowConflictingSubnets, said.allowConflictingSubnets),
    virtualSubnet: said.virtualSubnet || request.virtualSubnet,
    autoResolveConflicts: said.autoResolveConflicts ?? request.autoResolveConflicts,
    dns: dnsOver(said.dns, request.dns),
    timeouts: timeoutsOver(said.timeouts, request.timeouts),
  });
}

/** What the kubeconfig's cluster says that nobody heeds, each a sentence. */
export function settingWarnings(access: ExtendedCluster): string[] {
  const notes = clusterSettingNotes(access.extension?.(clusterExtensionName));
  return notes.map((note) =>
    noteSentence(note, access.extensionPlace?.(clusterExtensionName, note.at) ?? 'the kubeconfig'),
  );
}
