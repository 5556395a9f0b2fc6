import { clusterPart } from '#install/cluster-part.ts';
import { clientBindings } from '#install/client-rights.ts';
import { managerConfigFor } from '#install/manager-config.ts';
import { managerPart } from '#install/manager-part.ts';
import { managerRights } from '#install/manager-rights.ts';
import { managerName, type Manifest } from '#install/manifest.ts';
import { defaultValues, type Values } from '#install/values.ts';
import { changed, Go, Items, partOf, toGo, When, type Part } from './go-template.ts';

/** One document of the chart: what `src/install` writes, with Helm's values in their places. */
export interface ChartDocument {
  readonly name: string;
  /** Conditions under which it is written, all of them. */
  readonly conditions: readonly string[];
  /** Once for each item (`$each`) of this list. */
  readonly each?: string;
  readonly body: Part;
}

const context = { release: '@release@', namespace: '@namespace@', version: '@version@' };
const rightsKinds = /Role|ServiceAccount/;
const namespaced =
  '(or $.Values.managerRbac.namespaced (gt (len ($.Values.namespaces | default list)) 0))';
const claimed = 'include "telepresence.claimed" $ | fromJsonArray';
const clientNamespaces = 'include "telepresence.clientNamespaces" $ | fromJsonArray';

/** Every document of the chart. */
export function chartDocuments(): readonly ChartDocument[] {
  const values = defaultValues();
  return [
    ...clusterPart(context).map(shared),
    ...managerPart(values, context)
      .filter((manifest) => !isAboutRights(manifest))
      .map(plain),
    ...managerRightsDocuments(values),
    ...clientDocuments(values),
  ];
}

function shared(manifest: Manifest): ChartDocument {
  const { apiVersion, kind, metadata } = manifest;
  const ours = `include "telepresence.isOurs" (list "${apiVersion}" "${kind}" "${metadata.name}" $)`;
  return document(manifest, [ours]);
}

function document(manifest: Manifest, conditions: readonly string[] = []): ChartDocument {
  const rights = rightsKinds.test(manifest.kind);
  return {
    name: `${manifest.kind} ${manifest.metadata.name}`,
    conditions: [...(rights ? [] : ['not $.Values.rbac.only']), ...conditions],
    body: partOf(manifest),
  };
}

/** Those come in two forms, for all namespaces and for some. */
function isAboutRights({ kind, metadata }: Manifest): boolean {
  return /^(Cluster)?Role(Binding)?$/.test(kind) && metadata.name !== 'traffic-manager-tunnel';
}

function plain(manifest: Manifest): ChartDocument {
  const one = document(manifest);
  const injector = '$.Values.agentInjector.enabled';
  switch (manifest.kind) {
    case 'ServiceAccount':
      return { ...one, conditions: ['$.Values.serviceAccount.create'], body: accountOf(one.body) };
    case 'Deployment':
      return { ...one, body: deploymentOf(one.body) };
    case 'Service': {
      const body = serviceOf(manifest, one.body);
      if (manifest.metadata.name !== 'agent-injector') return { ...one, body };
      return { ...one, conditions: [...one.conditions, injector], body };
    }
    case 'MutatingWebhookConfiguration':
      return {
        ...one,
        conditions: [...one.conditions, injector],
        body: owned(webhookOf(one.body)),
      };
    case 'ValidatingAdmissionPolicy':
      return { ...one, body: owned(dryRunOf(one.body)) };
    case 'ValidatingAdmissionPolicyBinding':
      return { ...one, body: owned(one.body) };
    default:
      return one;
  }
}

function owned(body: Part): Part {
  return changed(
    body,
    'metadata.ownerReferences',
    () => new When('include "telepresence.owner" $', new Go('include "telepresence.owner" $')),
  );
}

const value = (path: string): Go => new Go(`$.Values.${path} | toJson`);
const map = (path: string): Go => new Go(`$.Values.${path} | default dict | toJson`);
/** There where it is neither empty nor 0 nor "". */
const given = (path: string): When => new When(`$.Values.${path}`, value(path));
/** What the values say laid over what is there. */
const overlay =
  (path: string) =>
  (before: Part | undefined): Go =>
    new Go(`include "telepresence.overlay" (list ${toGo(before ?? {})} $.Values.${path})`);

function accountOf(body: Part): Part {
  const named = changed(body, 'metadata.name', () => value('serviceAccount.name'));
  return changed(
    named,
    'metadata.annotations',
    (before) =>
      new Go(
        `include "telepresence.overlay" (list ($.Values.serviceAccount.annotations | default dict) ${toGo(before ?? {})})`,
      ),
  );
}

function deploymentOf(body: Part): Part {
  const pod = 'spec.template.spec';
  const container = `${pod}.containers.0`;
  const changes: readonly (readonly [string, (before: Part | undefined) => Part])[] = [
    ['spec.replicas', () => value('replicaCount')],
    [
      'spec.template.metadata.labels',
      (before) =>
        new Go(
          `include "telepresence.overlay" (list ($.Values.podLabels | default dict) ${toGo(before ?? {})})`,
        ),
    ],
    ['spec.template.metadata.annotations', () => given('podAnnotations')],
    [`${pod}.serviceAccountName`, () => value('serviceAccount.name')],
    [`${pod}.hostNetwork`, () => given('hostNetwork')],
    [`${pod}.dnsPolicy`, () => new When('$.Values.hostNetwork', 'ClusterFirstWithHostNet')],
    [`${pod}.securityContext`, podSecurityOf],
    [`${pod}.imagePullSecrets`, () => given('image.imagePullSecrets')],
    [`${pod}.nodeSelector`, () => given('nodeSelector')],
    [`${pod}.affinity`, () => given('affinity')],
    [`${pod}.tolerations`, () => given('tolerations')],
    [
      `${pod}.topologySpreadConstraints`,
      (before) =>
        new Go(`$.Values.topologySpreadConstraints | default ${toGo(before ?? [])} | toJson`),
    ],
    [
      'spec.strategy.rollingUpdate',
      (before) =>
        new Go(
          `ternary (dict "maxSurge" 0 "maxUnavailable" 1) ${toGo(before ?? {})} $.Values.hostNetwork | toJson`,
        ),
    ],
    [`${pod}.schedulerName`, () => given('schedulerName')],
    [`${pod}.priorityClassName`, () => given('priorityClassName')],
    [
      `${container}.image`,
      () => new Go('include "telepresence.image" (list $ $.Values.image) | toJson'),
    ],
    [`${container}.imagePullPolicy`, () => given('image.pullPolicy')],
    [
      `${container}.env.0.value`,
      () => new Go('include "telepresence.config" $ | replace "$" "$$" | toJson'),
    ],
    [`${container}.ports.0.containerPort`, () => value('apiPort')],
    [
      `${container}.ports`,
      (before) =>
        Array.isArray(before)
          ? before.map((port: Part, at) =>
              at === 2 ? new When('$.Values.agentInjector.enabled', port) : port,
            )
          : [],
    ],
    [`${container}.readinessProbe`, overlay('readinessProbe')],
    [`${container}.livenessProbe`, overlay('livenessProbe')],
    [`${container}.resources`, () => new Go('include "telepresence.resources" $.Values.resources')],
    [`${container}.securityContext`, overlay('securityContext')],
  ];
  return changes.reduce((left, [path, change]) => changed(left, path, change), body);
}

/** The node's network is not the pod's to tune. */
function podSecurityOf(before: Part | undefined): Go {
  if (typeof before !== 'object' || before === null || !('sysctls' in before)) {
    return overlay('podSecurityContext')(before);
  }
  const { sysctls, ...without } = before;
  const base = `(ternary ${toGo(without)} ${toGo({ ...without, sysctls })} $.Values.hostNetwork)`;
  return new Go(`include "telepresence.overlay" (list ${base} $.Values.podSecurityContext)`);
}

function serviceOf(manifest: Manifest, body: Part): Part {
  switch (manifest.metadata.name) {
    case managerName:
      return changed(body, 'spec.ports.0.port', () => value('apiPort'));
    case 'agent-injector': {
      const named = changed(body, 'metadata.name', () => value('agentInjector.name'));
      return changed(named, 'spec.ports.0.port', () => value('agentInjector.webhook.port'));
    }
    default:
      return body;
  }
}

function webhookOf(body: Part): Part {
  return hookOf(hookOf(body, 0), 1);
}

/** The first is asked about everybody's pods, the second about the manager's own dry runs. */
function hookOf(body: Part, index: 0 | 1): Part {
  const hook = `webhooks.${String(index)}`;
  const from = 'agentInjector.webhook';
  const both = ['sideEffects', 'reinvocationPolicy'];
  let left = body;
  for (const name of index === 0 ? [...both, 'failurePolicy', 'timeoutSeconds'] : both) {
    left = changed(left, `${hook}.${name}`, () => value(`${from}.${name}`));
  }
  left = changed(left, `${hook}.clientConfig.service.name`, () => value('agentInjector.name'));
  left = changed(left, `${hook}.clientConfig.service.port`, () => value(`${from}.port`));
  left = changed(
    left,
    `${hook}.objectSelector`,
    () => new Go(`include "telepresence.selector" $.Values.${from}.objectSelector`),
  );
  left = changed(left, `${hook}.namespaceSelector.matchLabels`, () =>
    map(`${from}.namespaceSelector.matchLabels`),
  );
  left = changed(left, `${hook}.namespaceSelector.matchExpressions`, (before) => [
    ...(Array.isArray(before) ? before.map(partOf) : []),
    new When(namespaced, {
      key: 'kubernetes.io/metadata.name',
      operator: 'In',
      values: new Go('include "telepresence.claimed" $'),
    }),
    new Items(`$.Values.${from}.namespaceSelector.matchExpressions`),
  ]);
  return changed(left, `${hook}.matchConditions.2.expression`, (before) => withAccount(before));
}

/** A text that names the manager's ServiceAccount, with the name that the values give. */
function withAccount(before: Part | undefined): Go {
  const account = `system:serviceaccount:${context.namespace}:traffic-manager`;
  if (typeof before !== 'string') throw new Error('an expression is a text');
  const format = before.replace(account, 'system:serviceaccount:%s:%s');
  const names = '$.Release.Namespace $.Values.serviceAccount.name';
  return new Go(`printf ${JSON.stringify(format)} ${names} | toJson`);
}

function dryRunOf(body: Part): Part {
  return changed(body, 'spec.matchConditions.0.expression', withAccount);
}

function managerRightsDocuments(values: Values): readonly ChartDocument[] {
  const create = '$.Values.managerRbac.create';
  const all = managerRights(values, context);
  const some = managerRights({ ...values, namespaces: ['@each@'] }, context);
  const account = (body: Part): Part =>
    changed(body, 'subjects.0.name', () => value('serviceAccount.name'));
  const bodyOf = (manifest: Manifest): Part => {
    const body = partOf(manifest);
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

function clientDocuments(values: Values): readonly ChartDocument[] {
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

/** The manager's configuration as a Go expression. */
export function configExpression(): string {
  const values = defaultValues();
  const config = managerConfigFor(values, context);
  const from = (path: string): Go => new Go(`$.Values.${path}`);
  const list = (path: string): Go => new Go(`$.Values.${path} | default list`);
  const json = (name: string, argument: string): Go =>
    new Go(`include "telepresence.${name}" ${argument} | fromJson`);
  const changes: readonly (readonly [string, Part])[] = [
    ['logLevel', from('logLevel')],
    ['ports.api', from('apiPort')],
    ['namespaces', new Go(`ternary (${claimed}) nil ${namespaced}`)],
    ['injector.enabled', from('agentInjector.enabled')],
    ['injector.service', from('agentInjector.name')],
    [
      'agent.image',
      new Go(
        'include "telepresence.image" (list $ (include "telepresence.agentImage" $ | fromJson))',
      ),
    ],
    ['agent.logLevel', new Go('$.Values.agent.logLevel | default $.Values.logLevel')],
    ['agent.resources', json('resources', '$.Values.agent.resources')],
    ['agent.initResources', json('resources', '$.Values.agent.initResources')],
    ['agent.securityContext', new Go('$.Values.agent.securityContext | default dict')],
    ['agent.excludedEnvironment', list('intercept.environment.excluded')],
    ['interceptable.kinds', new Go('include "telepresence.kinds" $ | fromJsonArray')],
    ['interceptable.onlyEnabled', new Go('eq $.Values.agentInjector.injectPolicy "WhenEnabled"')],
    ['podCIDRs', list('podCIDRs')],
    ['podCIDRStrategy', from('podCIDRStrategy')],
    [
      'connectionTtlMs',
      new Go('include "telepresence.milliseconds" $.Values.client.connectionTTL | int64'),
    ],
    [
      'interceptGraceMs',
      new Go('include "telepresence.milliseconds" $.Values.intercept.grace | int64'),
    ],
    ['outbound', from('client.outbound')],
    ['routing.alsoProxySubnets', list('client.routing.alsoProxySubnets')],
    ['routing.neverProxySubnets', list('client.routing.neverProxySubnets')],
    ['routing.allowConflictingSubnets', list('client.routing.allowConflictingSubnets')],
    ['dns.excludeSuffixes', list('client.dns.excludeSuffixes')],
    ['dns.includeSuffixes', list('client.dns.includeSuffixes')],
  ];
  const part = changes.reduce((left, [path, to]) => changed(left, path, () => to), partOf(config));
  return toGo(part);
}
