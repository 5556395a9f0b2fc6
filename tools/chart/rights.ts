import { clientBindings } from '#install/client-rights.ts';
import { managerRights } from '#install/manager-rights.ts';
import type { Manifest } from '#install/manifest.ts';
import type { Values } from '#install/values.ts';
import type { ChartDocument } from './document.ts';
import { changed, Go, partOf, When, type Part } from './go-template.ts';
import { claimed, context, namespaced, owned, value } from './places.ts';

const clientNamespaces = 'include "telepresence.clientNamespaces" $ | fromJsonArray';

/** The manager's own rights, for all namespaces and for some. */
export function managerRightsDocuments(values: Values): readonly ChartDocument[] {
  const create = '$.Values.managerRbac.create';
  // Every rule is written, and those on Argo's kind only count where it may be intercepted.
  const workloads = { ...values.workloads, argoRollouts: { enabled: true } };
  const all = managerRights({ ...values, workloads }, context);
  const some = managerRights({ ...values, workloads, namespaces: ['@each@'] }, context);
  const account = (body: Part): Part =>
    changed(body, 'subjects.0.name', () => value('serviceAccount.name'));
  const bodyOf = (manifest: Manifest): Part => {
    const { rules } = manifest;
    const isArgos = (rule: unknown): boolean => JSON.stringify(rule).includes('"argoproj.io"');
    const at = Array.isArray(rules) ? rules.findIndex(isArgos) : -1;
    const whole = partOf(manifest);
    const whenAllowed = (rule: Part = null): Part => {
      return new When('$.Values.workloads.argoRollouts.enabled', rule);
    };
    const body = at < 0 ? whole : changed(whole, `rules.${String(at)}`, whenAllowed);
    const bound = manifest.kind.endsWith('Binding') ? account(body) : body;
    return manifest.kind.startsWith('Cluster') ? owned(bound) : bound;
  };
  const documents: ChartDocument[] = all.map((manifest) => ({
    name: `${manifest.kind} ${manifest.metadata.name}`,
    conditions: manifest.kind === 'ClusterRole' ? [create, `not ${namespaced}`] : [create],
    body: bodyOf(manifest),
  }));
  for (const manifest of some) {
    const isCluster = manifest.kind === 'ClusterRole';
    if (!isCluster && manifest.metadata.namespace !== '@each@') continue;
    const body = bodyOf(manifest);
    documents.push({
      name: `${manifest.kind} ${manifest.metadata.name} of a namespaced manager`,
      conditions: [create, namespaced],
      ...(isCluster ? {} : { each: claimed }),
      body: isCluster
        ? changed(
            body,
            'rules.0.resourceNames',
            () => new Go(`append (${claimed}) $.Release.Namespace | toJson`),
          )
        : body,
    });
  }
  return documents;
}

/** The rights of the users that the values name. */
export function clientDocuments(values: Values): readonly ChartDocument[] {
  const bound = (namespaces: string[]): readonly Manifest[] =>
    clientBindings(
      {
        ...values,
        clientRbac: {
          ...values.clientRbac,
          create: true,
          subjects: [{ kind: 'User', name: 'somebody' }],
          namespaces,
          ruleExtras: [{}],
        },
      },
      context,
    );
  const wanted = 'and $.Values.clientRbac.create $.Values.clientRbac.subjects';
  const everywhere = `not (${clientNamespaces})`;
  const documentOf = (manifest: Manifest): ChartDocument => {
    const { kind, metadata } = manifest;
    const isRole = kind === 'ClusterRole';
    const body = partOf(manifest);
    const filled = isRole
      ? changed(body, 'rules', () => value('clientRbac.ruleExtras'))
      : changed(body, 'subjects', () => new Go('include "telepresence.subjects" $'));
    return {
      name: `${kind} ${metadata.name}`,
      conditions: [
        wanted,
        ...(metadata.name.includes('-extra-') ? ['$.Values.clientRbac.ruleExtras'] : []),
        ...(kind === 'ClusterRoleBinding' ? [everywhere] : []),
      ],
      ...(metadata.namespace === '@each@' ? { each: clientNamespaces } : {}),
      body: metadata.namespace === undefined ? owned(filled) : filled,
    };
  };
  const some = bound(['@each@']).filter(({ metadata }) => metadata.namespace === '@each@');
  return [...bound([]), ...some].map(documentOf);
}
