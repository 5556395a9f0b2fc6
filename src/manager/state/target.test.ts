import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { workloadKinds, type InterceptSpec } from '#protocol/resources.ts';
import { rolloutObject, type ServiceObject, type WorkloadObject } from './cluster-objects.ts';
import { nameOf, podsOf, workloadOfPod } from './owner.ts';
import { pod, replicaSetOf, service, viewOf, workload } from './sample-world.ts';
import { resolveTarget } from './target.ts';
import { listWorkloads } from './workload-list.ts';

function resolve(
  spec: Partial<InterceptSpec> = {},
  cluster: {
    readonly workload?: WorkloadObject;
    readonly services?: readonly ServiceObject[];
  } = {},
): ReturnType<typeof resolveTarget> {
  const view = viewOf({
    workloads: [{ kind: 'Deployment', object: cluster.workload ?? workload() }],
    services: cluster.services ?? [service()],
  });
  return resolveTarget(view, 'shop', { workload: { name: 'hello' }, ...spec });
}

function refusal(outcome: ReturnType<typeof resolveTarget>): { reason: string; message: string } {
  assert.ok(!outcome.ok, 'resolved, although it must not');
  return outcome.refusal;
}

test('a named target port becomes the container’s number', () => {
  const outcome = resolve();
  assert.ok(outcome.ok);
  const { workload: found, ...target } = outcome.value;
  assert.equal(found.object.metadata.name, 'hello');
  assert.deepEqual(target, {
    service: 'hello',
    servicePort: { name: undefined, port: 80 },
    severalPorts: false,
    container: 'app',
    serving: 'app',
    containerPort: 8080,
    portName: 'http',
    protocol: 'TCP',
  });
});

test('a target port that no container declares is taken from the default container', () => {
  const two = workload({
    containers: [{ name: 'proxy' }, { name: 'main' }],
    annotations: { 'kubectl.kubernetes.io/default-container': 'main' },
  });
  const outcome = resolve({}, { workload: two, services: [service('hello', [{ port: 80 }])] });
  assert.ok(outcome.ok);
  assert.equal(outcome.value.container, 'main');
  assert.equal(outcome.value.containerPort, 80);
  assert.equal(outcome.value.portName, undefined);
});

test('the port is found by name, by number, and with its protocol', () => {
  const services = [
    service('hello', [
      { name: 'http', port: 80, targetPort: 'http' },
      { name: 'admin', port: 81, targetPort: 9000 },
    ]),
  ];
  for (const [port, expected] of [
    ['http', 8080],
    ['80', 8080],
    ['admin', 9000],
    ['81/tcp', 9000],
  ] as const) {
    const outcome = resolve({ port }, { services });
    assert.ok(outcome.ok);
    assert.equal(outcome.value.containerPort, expected);
    assert.equal(outcome.value.severalPorts, true);
  }
  assert.deepEqual(refusal(resolve({}, { services })), {
    reason: 'PortAmbiguous',
    message: 'Service hello has several ports: http (80), admin (81)',
  });
  assert.deepEqual(refusal(resolve({ port: 'grpc' }, { services })), {
    reason: 'PortNotFound',
    message: 'Service hello has no port grpc; it has http (80), admin (81)',
  });
});

test('a DNS-like pair of ports: by name, by number and protocol; a bare number is TCP’s', () => {
  const udp = { name: 'dns', port: 53, targetPort: 53, protocol: 'UDP' };
  const tcp = { name: 'dns-tcp', port: 53, targetPort: 53 };
  const services = [service('hello', [udp, tcp])];
  for (const [port, name, protocol] of [
    ['53', 'dns-tcp', 'TCP'],
    ['53/TCP', 'dns-tcp', 'TCP'],
    ['53/UDP', 'dns', 'UDP'],
    ['53/udp', 'dns', 'UDP'],
    ['dns', 'dns', 'UDP'],
    ['dns/UDP', 'dns', 'UDP'],
    ['dns-tcp', 'dns-tcp', 'TCP'],
  ] as const) {
    const outcome = resolve({ port }, { services });
    assert.ok(outcome.ok, port);
    assert.equal(outcome.value.servicePort?.name, name);
    assert.equal(outcome.value.protocol, protocol);
    assert.equal(outcome.value.containerPort, 53);
  }
  assert.equal(refusal(resolve({ port: 'dns/TCP' }, { services })).reason, 'PortNotFound');
  assert.deepEqual(refusal(resolve({}, { services })), {
    reason: 'PortAmbiguous',
    message: 'Service hello has several ports: dns (53/UDP), dns-tcp (53)',
  });
  const annotated = (value: string) =>
    resolve(
      {},
      {
        services,
        workload: workload({ annotations: { 'telepresence.io/inject-service-ports': value } }),
      },
    );
  for (const [value, name] of [
    ['dns', 'dns'],
    ['53/UDP', 'dns'],
    ['53', 'dns-tcp'],
  ] as const) {
    const outcome = annotated(value);
    assert.ok(outcome.ok);
    assert.equal(outcome.value.servicePort?.name, name);
  }
});

test('UDP alone is meant; a protocol that nobody can take is refused', () => {
  const [port, targetPort] = [53, 53];
  const only = resolve(
    {},
    { services: [service('hello', [{ port, targetPort, protocol: 'UDP' }])] },
  );
  assert.ok(only.ok);
  assert.equal(only.value.protocol, 'UDP');
  assert.deepEqual(
    refusal(
      resolve({}, { services: [service('hello', [{ port, targetPort, protocol: 'SCTP' }])] }),
    ),
    {
      reason: 'ProtocolNotSupported',
      message: 'port 53/SCTP is SCTP; only TCP and UDP ports can be intercepted',
    },
  );
});

test('several services: all are named, --service decides, and a foreign one is refused', () => {
  const services = [service('stable'), service('canary'), service('other', undefined, 'other')];
  const ambiguous = refusal(resolve({}, { services }));
  assert.equal(ambiguous.reason, 'ServiceAmbiguous');
  assert.match(ambiguous.message, /: canary, stable$/);
  const outcome = resolve({ service: 'canary' }, { services });
  assert.ok(outcome.ok);
  assert.equal(outcome.value.service, 'canary');
  assert.equal(refusal(resolve({ service: 'other' }, { services })).reason, 'ServiceMismatch');
  const missing = refusal(resolve({ service: 'nope' }, { services }));
  assert.equal(missing.reason, 'ServiceNotFound');
  assert.match(missing.message, /canary, stable/);
});

test('of twenty services so many are named as one can read, first the one of the same name', () => {
  const names = Array.from({ length: 19 }, (_, i) => `a-${String(i).padStart(2, '0')}`);
  const services = ['hello', ...names].map((name) => service(name));
  assert.equal(
    refusal(resolve({}, { services })).message,
    'more than one Service selects Deployment hello: hello, a-00, a-01, a-02, a-03, a-04, a-05, a-06 and 12 more',
  );
  // One that would be left over is named instead.
  const nine = refusal(resolve({}, { services: services.slice(0, 9) })).message;
  assert.match(nine, /a-06, a-07$/);
});

test('without a service the annotation offers container ports, in both prefixes', () => {
  for (const prefix of ['telepresence.io', 'telepresence.getambassador.io']) {
    const annotated = workload({ annotations: { [`${prefix}/inject-container-ports`]: 'http' } });
    const outcome = resolve({}, { workload: annotated, services: [] });
    assert.ok(outcome.ok);
    assert.equal(outcome.value.containerPort, 8080);
    assert.equal(outcome.value.service, undefined);
  }
  assert.equal(refusal(resolve({}, { services: [] })).reason, 'NoService');
});

test('the annotation’s ports by name, number and protocol, each also by its other name', () => {
  const at = (value: string, port?: string) =>
    resolve(port === undefined ? {} : { port }, {
      workload: workload({ annotations: { 'telepresence.io/inject-container-ports': value } }),
      services: [],
    });
  for (const value of [
    'http',
    '8080',
    'http/TCP',
    ' 8080/tcp ',
    'http,5353/UDP',
    '8080/UDP,8080',
  ]) {
    const isOnly = !value.includes(',');
    for (const port of ['http', '8080', ...(isOnly ? [undefined] : [])]) {
      const outcome = at(value, port);
      // A number that is offered for both protocols: TCP is meant.
      assert.ok(outcome.ok, `${value} ${String(port)}`);
      assert.equal(outcome.value.containerPort, 8080);
    }
  }
  // Containers need not say what they listen on.
  const outcome = at('http,9999', '9999');
  assert.ok(outcome.ok);
  assert.equal(outcome.value.containerPort, 9999);
  assert.equal(refusal(at('http,9999')).reason, 'PortAmbiguous');
  assert.equal(refusal(at('http', '9999')).reason, 'PortNotFound');
  // No container has a port of that name and protocol.
  assert.equal(refusal(at('http/UDP')).reason, 'PortNotFound');
  assert.equal(
    refusal(at('http,5353/UDP')).message,
    'Deployment hello has several ports: http, 5353/UDP',
  );
  for (const [value, port] of [
    ['5353/UDP', undefined],
    ['http,5353/UDP', '5353'],
    ['8080/UDP,8080', '8080/UDP'],
  ] as const) {
    const datagrams = at(value, port);
    assert.ok(datagrams.ok);
    assert.equal(datagrams.value.protocol, 'UDP');
  }
  assert.equal(refusal(at('nosuch')).reason, 'PortNotFound');
});

test('a service port without a container port is refused with what there is', () => {
  const { reason, message } = refusal(
    resolve({}, { services: [service('hello', [{ port: 80, targetPort: 'web' }])] }),
  );
  assert.equal(reason, 'PortNotFound');
  assert.match(message, /named web, which no container has; there is http/);
});

test('workloads that are not there, are several, or cannot be taken', () => {
  const deployment = workload();
  const view = viewOf({
    workloads: [
      { kind: 'Deployment', object: deployment },
      { kind: 'StatefulSet', object: workload({ uid: 'other' }) },
      { kind: 'ReplicaSet', object: replicaSetOf(deployment) },
    ],
    services: [service()],
  });
  const reason = (name: string): string =>
    refusal(resolveTarget(view, 'shop', { workload: { name } })).reason;
  assert.equal(reason('nope'), 'WorkloadNotFound');
  assert.equal(reason('hello'), 'WorkloadAmbiguous');
  assert.equal(reason('hello-abc'), 'WorkloadNotInterceptable');
  assert.ok(resolveTarget(view, 'shop', { workload: { name: 'hello', kind: 'StatefulSet' } }).ok);
  assert.equal(
    refusal(resolve({}, { workload: workload({ hostNetwork: true }) })).reason,
    'WorkloadNotInterceptable',
  );
  const disabled = workload({
    annotations: { 'telepresence.getambassador.io/inject-traffic-agent': 'disabled' },
  });
  assert.equal(refusal(resolve({}, { workload: disabled })).reason, 'InjectionDisabled');
  assert.equal(refusal(resolve({ container: 'nope' })).reason, 'ContainerNotFound');
});

const name = fc.constantFrom('a', 'b', 'c', 'http');
const ports = fc.uniqueArray(fc.record({ name, containerPort: fc.integer({ min: 1, max: 5 }) }), {
  selector: (port) => port.name,
  maxLength: 3,
});
const servicePorts = fc.uniqueArray(
  fc.record({
    name,
    port: fc.integer({ min: 1, max: 5 }),
    targetPort: fc.oneof(name, fc.integer({ min: 1, max: 5 })),
    protocol: fc.constantFrom('TCP', 'UDP'),
  }),
  { selector: (port) => port.name, maxLength: 3 },
);

test('a Rollout stands for its ReplicaSets where it may be intercepted; else they stand for themselves', () => {
  const rollout = workload({ name: 'shop' });
  const { name, uid } = rollout.metadata;
  const replicaSet = workload({ name: 'shop-abc', owner: { kind: 'Rollout', name, uid } });
  const stable = service('shop', undefined, 'shop');
  // Argo's own addition: the Service is that of one revision's pods.
  const narrowed = { ...stable.spec.selector, 'rollouts-pod-template-hash': 'abc' };
  const services = [
    { ...stable, spec: { ...stable.spec, selector: narrowed } },
    service('abc', undefined, 'shop-abc'),
  ];
  const one = pod({ owner: { kind: 'ReplicaSet', object: replicaSet } });
  const workloads = [
    { kind: 'Rollout', object: rollout },
    { kind: 'ReplicaSet', object: replicaSet },
  ] as const;
  const view = viewOf({ workloads, services, pods: [one] });
  const found = resolveTarget(view, 'shop', { workload: { name: 'shop' } });
  assert.ok(found.ok);
  assert.equal(nameOf(found.value.workload), 'Rollout shop');
  assert.deepEqual(podsOf(view, found.value.workload), [one]);
  assert.deepEqual(workloadOfPod(view, one), found.value.workload);
  assert.deepEqual(refusal(resolveTarget(view, 'shop', { workload: { name: 'shop-abc' } })), {
    reason: 'WorkloadNotInterceptable',
    message: 'ReplicaSet shop-abc belongs to Rollout shop: intercept that',
  });
  assert.deepEqual(
    listWorkloads(view, 'shop', []).map(({ kind }) => kind),
    ['Rollout'],
  );

  const kinds = workloadKinds.filter((kind) => kind !== 'Rollout');
  const without = viewOf({
    workloads: [workloads[1]],
    services,
    pods: [one],
    interceptable: { kinds, onlyEnabled: false },
  });
  assert.ok(resolveTarget(without, 'shop', { workload: { name: 'shop-abc' } }).ok);

  const object = v.parse(rolloutObject, {
    ...rollout,
    spec: { workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'shop' } },
  });
  const borrowed = viewOf({ workloads: [{ kind: 'Rollout', object }], services });
  const { message } = refusal(resolveTarget(borrowed, 'shop', { workload: { name: 'shop' } }));
  assert.match(message, /^Rollout shop has its pod template from another workload/);
});

test('whatever the cluster has: a target that its service really reaches, or a sentence', () => {
  fc.assert(
    fc.property(ports, servicePorts, fc.option(name, { nil: undefined }), (have, offer, port) => {
      const outcome = resolve(port === undefined ? {} : { port }, {
        workload: workload({ ports: have }),
        services: [service('hello', offer)],
      });
      if (!outcome.ok) {
        assert.notEqual(outcome.refusal.message, '');
        return;
      }
      const { containerPort, servicePort, portName } = outcome.value;
      const chosen = offer.find((one) => one.name === servicePort?.name);
      assert.equal(chosen?.protocol, outcome.value.protocol);
      if (port !== undefined) assert.equal(chosen.name, port);
      if (typeof chosen.targetPort === 'number') assert.equal(containerPort, chosen.targetPort);
      else {
        assert.equal(portName, chosen.targetPort);
        assert.equal(outcome.value.protocol, 'TCP', 'no container has another');
        assert.ok(have.some((p) => p.name === portName && p.containerPort === containerPort));
      }
    }),
  );
});

test('an ingest is about a container and needs no port, no Service and no annotation', () => {
  const two = workload({
    containers: [{ name: 'proxy' }, { name: 'main' }],
    annotations: { 'kubectl.kubernetes.io/default-container': 'main' },
  });
  const cluster = { workload: two, services: [] };
  const outcome = resolve({ mode: 'ingest' }, cluster);
  assert.ok(outcome.ok);
  assert.equal(outcome.value.container, 'main');
  assert.deepEqual(outcome.value.whole, []);
  const named = resolve({ mode: 'ingest', container: 'proxy' }, cluster);
  assert.ok(named.ok);
  assert.equal(named.value.container, 'proxy');
  assert.equal(
    refusal(resolve({ mode: 'ingest', container: 'x' }, cluster)).reason,
    'ContainerNotFound',
  );
  const node = workload({ hostNetwork: true });
  assert.equal(
    refusal(resolve({ mode: 'ingest' }, { workload: node })).reason,
    'WorkloadNotInterceptable',
  );
});

test('a wiretap of a UDP port is refused', () => {
  const services = [service('hello', [{ port: 53, targetPort: 53, protocol: 'UDP' }])];
  const outcome = resolve({ mode: 'wiretap' }, { services });
  assert.deepEqual(refusal(outcome), {
    reason: 'ProtocolNotSupported',
    message: 'port 53/UDP: only TCP ports can be wiretapped',
  });
});
