import { splitName } from '#protocol/dns-name.ts';
import { formatIp, parseIp } from '#protocol/ip-address.ts';
import type { ClusterNames, NameScope } from './cluster-names.ts';
import { resolveName, type NameAnswer, type NameQuestion } from './resolve-name.ts';

/** A name that the user lets stand for another one, or for an address. */
export interface NameMapping {
  readonly name: string;
  readonly aliasFor: string;
}

/**
 * The answer to a name that stands for another: that one's, in the cluster's eyes, under the name that
 * was asked. Undefined where it stands for nothing.
 */
export function resolveMapped(
  names: ClusterNames,
  scope: NameScope,
  mappings: readonly NameMapping[],
  question: NameQuestion,
): NameAnswer | undefined {
  const asked = withoutSearch(names, scope, question.labels).join('.');
  const found = mappings.find(({ name }) => labelsOf(name).join('.') === asked);
  if (found === undefined) return undefined;
  const address = parseIp(found.aliasFor);
  if (address !== undefined) {
    const type = address.family === 4 ? 'A' : 'AAAA';
    const records = question.type === type ? [{ type, address: formatIp(address) } as const] : [];
    return { kind: 'records', records };
  }
  const labels = labelsOf(found.aliasFor);
  const answer = resolveName(names, scope, { ...question, labels });
  // Mapped names are meant to be the cluster's business, and it knows the world's names too.
  return answer.kind === 'notOurs' ? { kind: 'ask', labels } : answer;
}

/** A resolver may have appended the connected namespace's domain to a name of one label. */
function withoutSearch(
  names: ClusterNames,
  scope: NameScope,
  labels: readonly string[],
): readonly string[] {
  const domain = names.info?.clusterDomain || 'cluster.local';
  const search = `.${scope.namespace}.svc.${domain}`;
  const name = labels.join('.');
  const short = name.endsWith(search) ? name.slice(0, -search.length) : name;
  return short.includes('.') ? labels : [short];
}

function labelsOf(name: string): string[] {
  return splitName(name.toLowerCase().replaceAll(/^\.+|\.+$/g, ''));
}
