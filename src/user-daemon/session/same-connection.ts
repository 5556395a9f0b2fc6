import type { ConnectRequest } from '#protocol/gen/telepresence_pb.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';

/** What a session was asked to be. */
interface Held {
  readonly request: ConnectRequest;
  readonly access: ClusterAccess;
  readonly name: string;
}

/** Whether a later request asks for what there is: what it does not speak of may be as it is. */
export function isSameConnection(
  { request, access, name }: Held,
  other: ConnectRequest,
  otherAccess: ClusterAccess,
): boolean {
  const lists = [
    [request.alsoProxy, other.alsoProxy],
    [request.neverProxy, other.neverProxy],
    [request.allowConflictingSubnets, other.allowConflictingSubnets],
    [request.vnat, other.vnat],
    [request.proxyVia.map(viaText), other.proxyVia.map(viaText)],
  ] as const;
  return (
    otherAccess.server.href === access.server.href &&
    otherAccess.context === access.context &&
    otherAccess.namespace === access.namespace &&
    otherAccess.who === access.who &&
    (!other.allMapped || isSameSet(request.mappedNamespaces, other.mappedNamespaces)) &&
    (other.name === '' || other.name === name) &&
    lists.every(([held, asked]) => asked.length === 0 || isSameSet(held, asked))
  );
}

function viaText({ subnet, workload }: ConnectRequest['proxyVia'][number]): string {
  return `${subnet}=${workload}`;
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const [x, y] = [new Set(a), new Set(b)];
  return x.size === y.size && [...x].every((each) => y.has(each));
}
