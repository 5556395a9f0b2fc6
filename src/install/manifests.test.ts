import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { managerConfigVariable, parseManagerConfig, type ManagerConfig } from './manager-config.ts';
import type { Manifest } from './manifest.ts';
import { manifests } from './manifests.ts';
import { specificationCrd } from './specification-crd.ts';
import { defaultValues, parseValues, type Values } from './values.ts';

const context = {
  release: 'traffic-manager',
  namespace: 'ambassador',
  namespaceUid: '11111111-1111-1111-1111-111111111111',
  version: '0.1.0',
};

function valuesOf(raw: unknown = {}): Values {
  const parsed = parseValues(raw);
  assert.ok(parsed.ok);
  return parsed.values;
}

function find(all: readonly Manifest[], kind: string, name: string): Manifest {
  const found = all.find((one) => one.kind === kind && one.metadata.name === name);
  assert.ok(found, `no ${kind} ${name}`);
  return found;
}

/** A place in an object: `spec.template.spec.containers.0`. */
function at(object: unknown, path: string): unknown {
  let place = object;
  for (const step of path.split('.')) {
    assert.ok(typeof place === 'object' && place !== null, `nothing at ${path}`);
    place = Object.entries(place).find(([key]) => key === step)?.[1];
  }
  return place;
}

function configOf(all: readonly Manifest[]): ManagerConfig {
  const pod = at(find(all, 'Deployment', 'traffic-manager'), 'spec.template.spec');
  assert.equal(at(pod, 'containers.0.env.0.name'), managerConfigVariable);
  const text = v.parse(v.string(), at(pod, 'containers.0.env.0.value'));
  return parseManagerConfig(text.replaceAll('$$', () => '$'));
}

const keyOf = ({ kind, metadata }: Manifest): string =>
  `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

test('each object once, plain JSON, with Helm’s marks', () => {
  const all = manifests(valuesOf(), context);
  assert.equal(new Set(all.map(keyOf)).size, all.length);
  assert.deepEqual(JSON.parse(JSON.stringify(all)), all);
  for (const { metadata } of all) {
    assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'Helm');
    assert.equal(metadata.annotations?.['meta.helm.sh/release-name'], 'traffic-manager');
    assert.equal(metadata.annotations['meta.helm.sh/release-namespace'], 'ambassador');
  }
});

test('what is cluster-wide of a manager ends with its namespace; the cluster part does not', () => {
  const all = manifests(valuesOf(), context);
  const owned = all.filter((one) => one.metadata['ownerReferences'] !== undefined).map(keyOf);
  assert.deepEqual(owned.toSorted(), [
    'ClusterRole /traffic-manager-ambassador',
    'ClusterRoleBinding /traffic-manager-ambassador',
    'MutatingWebhookConfiguration /agent-injector-webhook-ambassador',
    'ValidatingAdmissionPolicy /traffic-manager-dry-run.ambassador.intercept.telepresence.io',
    'ValidatingAdmissionPolicyBinding /traffic-manager-dry-run.ambassador.intercept.telepresence.io',
  ]);
  const kept = all.filter(
    (one) => one.metadata.annotations?.['helm.sh/resource-policy'] === 'keep',
  );
  assert.deepEqual(kept.map(keyOf), [
    'CustomResourceDefinition /connections.intercept.telepresence.io',
    'CustomResourceDefinition /intercepts.intercept.telepresence.io',
    'ValidatingAdmissionPolicy /identity.intercept.telepresence.io',
    'ValidatingAdmissionPolicyBinding /identity.intercept.telepresence.io',
    'ClusterRole /telepresence-client',
  ]);
});

test('a spec cannot be changed nor taken away, and belongs to who made it', () => {
  const all = manifests(valuesOf(), context);
  for (const plural of ['connections', 'intercepts']) {
    const crd = find(all, 'CustomResourceDefinition', `${plural}.intercept.telepresence.io`);
    const schema = at(crd, 'spec.versions.0.schema.openAPIV3Schema');
    assert.deepEqual(at(schema, 'required'), ['spec']);
    assert.equal(at(schema, 'x-kubernetes-validations.0.rule'), 'self.spec == oldSelf.spec');
    assert.deepEqual(at(crd, 'spec.versions.0.subresources'), { status: {} });
  }
  const policy = find(all, 'ValidatingAdmissionPolicy', 'identity.intercept.telepresence.io');
  assert.deepEqual(at(policy, 'spec.matchConstraints.resourceRules.0.operations'), [
    'CREATE',
    'UPDATE',
  ]);
  assert.equal(at(policy, 'spec.failurePolicy'), 'Fail');
});

test('people get the tunnel by its literal name, and never a status or an update', () => {
  const subjects = [{ kind: 'User', name: 'alice' }];
  const clientRbac = { create: true, subjects };
  const all = manifests(valuesOf({ clientRbac }), context);
  const tunnel = find(all, 'Role', 'traffic-manager-tunnel');
  assert.deepEqual(at(tunnel, 'rules.0'), {
    apiGroups: [''],
    resources: ['services/proxy'],
    resourceNames: ['https:traffic-manager:api'],
    verbs: ['get', 'create'],
  });
  const client = find(all, 'ClusterRole', 'telepresence-client');
  assert.doesNotMatch(JSON.stringify(client), /status|update|patch/);
  assert.ok(find(all, 'ClusterRoleBinding', 'telepresence-client-ambassador'));
  const some = manifests(
    valuesOf({ clientRbac: { ...clientRbac, namespaces: ['shop'] } }),
    context,
  );
  const binding = find(some, 'RoleBinding', 'telepresence-client-ambassador');
  assert.equal(binding.metadata.namespace, 'shop');
  assert.ok(
    !some.some((one) => keyOf(one) === 'ClusterRoleBinding /telepresence-client-ambassador'),
  );
});

test('the webhook is asked little, late never, and not for the manager’s own namespace', () => {
  const all = manifests(valuesOf(), context);
  const configuration = find(
    all,
    'MutatingWebhookConfiguration',
    'agent-injector-webhook-ambassador',
  );
  const hook = at(configuration, 'webhooks.0');
  assert.equal(at(hook, 'failurePolicy'), 'Ignore');
  assert.equal(at(hook, 'timeoutSeconds'), 3);
  assert.equal(at(hook, 'sideEffects'), 'None');
  assert.equal(at(hook, 'reinvocationPolicy'), 'IfNeeded');
  assert.deepEqual(at(hook, 'namespaceSelector.matchExpressions.0.values'), [
    'kube-system',
    'kube-node-lease',
    'ambassador',
  ]);
  assert.equal(at(hook, 'clientConfig.caBundle'), undefined);
  const off = manifests(valuesOf({ agentInjector: { enabled: false } }), context);
  assert.ok(!off.some((one) => one.kind === 'MutatingWebhookConfiguration'));
  assert.ok(!off.some((one) => one.metadata.name === 'agent-injector'));
});

test('the manager reads back its configuration, and its ports are what the services point at', () => {
  const all = manifests(
    valuesOf({
      apiPort: 1234,
      image: { registry: 'example.org/x', tag: '9' },
      agent: { image: { tag: '8' }, resources: { requests: { cpu: '$(X)' } } },
    }),
    context,
  );
  const pod = at(find(all, 'Deployment', 'traffic-manager'), 'spec.template.spec');
  const variable = at(pod, 'containers.0.env.0');
  assert.equal(at(variable, 'name'), managerConfigVariable);
  const text = String(at(variable, 'value')).replaceAll('$$', () => '$');
  const config = parseManagerConfig(text);
  assert.equal(config.agent.image, 'example.org/x/tel2:8');
  assert.equal(config.agent.resources.requests['cpu'], '$(X)');
  assert.equal(at(pod, 'containers.0.image'), 'example.org/x/tel2:9');
  assert.equal(config.ports.api, 1234);
  const api = find(all, 'Service', 'traffic-manager');
  assert.deepEqual(at(api, 'spec.ports'), [{ name: 'api', port: 1234, targetPort: 'api' }]);
  assert.equal(at(find(all, 'Service', 'traffic-manager-agents'), 'spec.clusterIP'), 'None');
});

test('the manager’s pod passes Pod Security "restricted"', () => {
  const pod = at(
    find(manifests(valuesOf(), context), 'Deployment', 'traffic-manager'),
    'spec.template.spec',
  );
  assert.deepEqual(at(pod, 'securityContext'), {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    sysctls: [{ name: 'net.ipv4.ping_group_range', value: '0 2147483647' }],
  });
  const security = at(pod, 'containers.0.securityContext');
  assert.equal(at(security, 'allowPrivilegeEscalation'), false);
  assert.equal(at(security, 'readOnlyRootFilesystem'), true);
  assert.deepEqual(at(security, 'capabilities.drop'), ['ALL']);
});

test('a namespaced manager sees its namespaces only, by a Role in each', () => {
  const managerRbac = { namespaced: true, namespaces: ['shop', 'bank'] };
  const clientRbac = {
    create: true,
    subjects: [{ kind: 'Group', name: 'devs' }],
    ruleExtras: [{ apiGroups: [''], resources: ['pods/log'], verbs: ['get'] }],
  };
  const all = manifests(valuesOf({ managerRbac, clientRbac }), context);
  const { rules } = find(all, 'ClusterRole', 'traffic-manager-ambassador');
  assert.doesNotMatch(
    JSON.stringify(rules),
    /pods|deployments|"services"|intercepts|secrets|nodes/,
  );
  assert.deepEqual(at(rules, '0'), {
    apiGroups: [''],
    resources: ['namespaces'],
    verbs: ['get', 'list', 'watch'],
    resourceNames: ['bank', 'shop', 'ambassador'],
  });
  // Whether another manager runs, and where it is, is known from its pod.
  const own = at(find(all, 'Role', 'traffic-manager'), 'rules');
  assert.ok(Array.isArray(own));
  assert.deepEqual(
    own.find((rule) => JSON.stringify(rule).includes('"pods"')),
    { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list', 'watch'] },
  );
  const keys = all.map(keyOf);
  for (const namespace of ['shop', 'bank']) {
    assert.ok(keys.includes(`Role ${namespace}/traffic-manager-ambassador`));
    assert.ok(keys.includes(`RoleBinding ${namespace}/traffic-manager-ambassador`));
    assert.ok(keys.includes(`RoleBinding ${namespace}/telepresence-client-ambassador`));
    assert.ok(keys.includes(`RoleBinding ${namespace}/telepresence-client-extra-ambassador`));
  }
  assert.ok(!keys.some((key) => key.startsWith('ClusterRoleBinding /telepresence-client')));
  const hook = at(
    find(all, 'MutatingWebhookConfiguration', 'agent-injector-webhook-ambassador'),
    'webhooks.0.namespaceSelector.matchExpressions.1',
  );
  assert.deepEqual(at(hook, 'values'), ['bank', 'shop']);
  assert.deepEqual(configOf(all).namespaces, ['bank', 'shop']);
});

test('Argo’s kind is touched only where it may be intercepted', () => {
  const workloads = { argoRollouts: { enabled: true } };
  const [off, on] = [valuesOf(), valuesOf({ workloads })].map((values) => {
    const all = manifests(values, context);
    const { rules } = find(all, 'ClusterRole', 'traffic-manager-ambassador');
    return { rules: JSON.stringify(rules), kinds: configOf(all).interceptable.kinds };
  });
  assert.doesNotMatch(off?.rules ?? '', /argoproj/);
  assert.deepEqual(off?.kinds, ['Deployment', 'ReplicaSet', 'StatefulSet']);
  assert.match(
    on?.rules ?? '',
    /"argoproj.io"],"resources":\["rollouts"],"verbs":\["get","list","watch","patch"]/,
  );
  assert.ok(on?.kinds.includes('Rollout'));
});

test('rights only', () => {
  const all = manifests(valuesOf({ rbac: { only: true } }), context);
  assert.deepEqual(
    new Set(all.map(({ kind }) => kind)),
    new Set(['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'ServiceAccount']),
  );
});

test('each value arrives where it has its effect', () => {
  const all = manifests(
    valuesOf({
      hostNetwork: true,
      apiPort: 10_260,
      podSecurityContext: { fsGroup: 7 },
      livenessProbe: { periodSeconds: 99 },
      readinessProbe: { periodSeconds: 98 },
      schedulerName: 'other',
      topologySpreadConstraints: [{ maxSkew: 1 }],
      serviceAccount: { name: 'tm', annotations: { a: 'b' } },
      agentInjector: {
        name: 'injector',
        injectPolicy: 'WhenEnabled',
        webhook: {
          reinvocationPolicy: 'Never',
          objectSelector: { matchLabels: { x: 'y' } },
        },
      },
      agent: { securityContext: { runAsUser: 9 }, initResources: { limits: { cpu: '2' } } },
      intercept: { environment: { excluded: ['SECRET'] } },
      workloads: { replicaSets: { enabled: false } },
      podCIDRStrategy: 'coverPodIPs',
    }),
    context,
  );
  const pod = at(find(all, 'Deployment', 'traffic-manager'), 'spec.template.spec');
  assert.partialDeepStrictEqual(pod, {
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    schedulerName: 'other',
    serviceAccountName: 'tm',
    topologySpreadConstraints: [{ maxSkew: 1 }],
    securityContext: { runAsNonRoot: true, fsGroup: 7 },
    containers: [{ livenessProbe: { periodSeconds: 99 }, readinessProbe: { periodSeconds: 98 } }],
  });
  assert.equal(at(find(all, 'ServiceAccount', 'tm'), 'metadata.annotations.a'), 'b');
  const binding = find(all, 'ClusterRoleBinding', 'traffic-manager-ambassador');
  assert.equal(at(binding, 'subjects.0.name'), 'tm');
  const policy = find(
    all,
    'ValidatingAdmissionPolicy',
    'traffic-manager-dry-run.ambassador.intercept.telepresence.io',
  );
  assert.match(JSON.stringify(policy), /system:serviceaccount:ambassador:tm'/);
  assert.ok(find(all, 'Service', 'injector'));
  const hook = at(
    find(all, 'MutatingWebhookConfiguration', 'agent-injector-webhook-ambassador'),
    'webhooks.0',
  );
  assert.partialDeepStrictEqual(hook, {
    reinvocationPolicy: 'Never',
    objectSelector: { matchLabels: { x: 'y' } },
    clientConfig: { service: { name: 'injector' } },
  });
  assert.partialDeepStrictEqual(configOf(all), {
    injector: { service: 'injector' },
    interceptable: { kinds: ['Deployment', 'StatefulSet'], onlyEnabled: true },
    agent: {
      securityContext: { runAsUser: 9 },
      initResources: { limits: { cpu: '2' } },
      excludedEnvironment: ['SECRET'],
    },
    podCIDRStrategy: 'coverPodIPs',
  });
});

test('the kind of specifications is no part of a release, so nothing of a release ends it', () => {
  const kind = specificationCrd(context);
  assert.equal(kind.metadata.name, 'ispecs.getambassador.io');
  const all = manifests(defaultValues(), context).map(({ metadata }) => metadata.name);
  assert.ok(!all.includes(kind.metadata.name));
  const text = JSON.stringify(kind);
  assert.doesNotMatch(text, /shortNames/);
  for (const version of ['v1alpha2', 'v1alpha3', 'v1alpha4'])
    assert.ok(text.includes(`"${version}"`));
  assert.equal(text.match(/"storage":true/g)?.length, 1);
});
