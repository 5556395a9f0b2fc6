import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InterceptSpec } from '#protocol/resources.ts';
import type { WorkloadObject } from './cluster-objects.ts';
import type { Refusal } from './refusal.ts';
import { service, viewOf, workload } from './sample-world.ts';
import { resolveTarget, type Target } from './target.ts';

const web = {
  name: 'web',
  ports: [
    { name: 'http', containerPort: 8080 },
    { name: 'admin', containerPort: 8081 },
    { name: 'dns', containerPort: 53, protocol: 'UDP' },
  ],
};
const worker = { name: 'worker', ports: [] };
const annotations = { 'kubectl.kubernetes.io/default-container': 'worker' };

function resolve(
  spec: Partial<InterceptSpec>,
  object: WorkloadObject = workload({ containers: [web, worker] }),
): ReturnType<typeof resolveTarget> {
  const view = viewOf({
    workloads: [{ kind: 'Deployment', object }],
    services: [service('hello', [{ port: 80, targetPort: 8081 }])],
  });
  const asked = { workload: { name: 'hello' }, replaceContainer: true, ...spec };
  return resolveTarget(view, 'shop', asked);
}

function target(...args: Parameters<typeof resolve>): Target {
  const outcome = resolve(...args);
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.refusal.message);
  return outcome.value;
}

function refusal(...args: Parameters<typeof resolve>): Refusal {
  const outcome = resolve(...args);
  assert.ok(!outcome.ok, 'resolved, although it must not');
  return outcome.refusal;
}

test('every port of the container goes to the same number, but for those that are named', () => {
  const all = target({ container: 'web', containerPorts: [] });
  assert.equal(all.replaces, 'web');
  assert.deepEqual(
    all.whole?.map((port) => [port.containerPort, port.protocol, port.target]),
    [
      [8080, 'TCP', 8080],
      [8081, 'TCP', 8081],
      [53, 'UDP', 53],
    ],
  );
  // A Service that finds it by its number does not follow its name.
  assert.deepEqual(
    all.whole.map(({ portName }) => portName),
    ['http', undefined, 'dns'],
  );
  const some = target({
    container: 'web',
    containerPorts: [
      { port: 'http', target: 9000 },
      { port: '9999', target: 9999 },
    ],
  });
  assert.deepEqual(
    some.whole?.map((port) => [port.containerPort, port.target]),
    [
      [8080, 9000],
      [8081, 8081],
      [53, 53],
      [9999, 9999],
    ],
  );
});

test('which container: the one that is named, the default one, the only one', () => {
  const byDefault = workload({ containers: [web, worker], annotations });
  assert.equal(target({ containerPorts: [] }, byDefault).container, 'worker');
  assert.deepEqual(target({ containerPorts: [] }, byDefault).whole, []);
  assert.equal(
    target({ containerPorts: [] }, workload({ containers: [worker] })).container,
    'worker',
  );
  assert.deepEqual(refusal({ containerPorts: [] }), {
    reason: 'ContainerAmbiguous',
    message: 'Deployment hello has several containers: web, worker',
  });
  assert.equal(refusal({ containerPorts: [], container: 'x' }).reason, 'ContainerNotFound');
});

test('a port that is not meant by what was typed', () => {
  const of = (containerPorts: NonNullable<InterceptSpec['containerPorts']>, container = 'web') =>
    refusal({ container, containerPorts });
  assert.equal(
    of([{ port: 'nope', target: 1 }]).message,
    'container web of Deployment hello has no port nope; it has http (8080), admin (8081), dns (53/UDP)',
  );
  assert.equal(of([{ target: 9000 }]).reason, 'ContainerPortAmbiguous');
  assert.equal(of([{ target: 9000 }], 'worker').reason, 'ContainerPortNotFound');
  const twice = [
    { port: 'http', target: 9000 },
    { port: '8080', target: 9001 },
  ];
  assert.match(of(twice).message, /port 8080 of container web .* cannot go to two ports/);
});

test('an intercept replaces the container that serves its port', () => {
  assert.equal(target({ port: '80' }).replaces, 'web');
  assert.equal(target({ port: '80', replaceContainer: false }).replaces, undefined);
  assert.equal(target({ port: '80', container: 'web' }).replaces, 'web');
  const other = refusal({ port: '80', container: 'worker' });
  assert.equal(other.reason, 'NotReplaceable');
  assert.match(other.message, /port 8081 of Deployment hello is served by container web/);
  const silent = workload({ containers: [{ name: 'a' }, { name: 'b' }] });
  assert.equal(refusal({ port: '80' }, silent).reason, 'ContainerAmbiguous');
  assert.equal(target({ port: '80', container: 'b' }, silent).replaces, 'b');
});

test('UDP ports, and both of one number', () => {
  const dns = {
    name: 'dns',
    ports: [
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', containerPort: 53 },
      { containerPort: 8125, protocol: 'UDP' },
      { containerPort: 9000, protocol: 'SCTP' },
    ],
  };
  const goes = (containerPorts: NonNullable<InterceptSpec['containerPorts']>, ports = dns.ports) =>
    target({ containerPorts }, workload({ containers: [{ ...dns, ports }] })).whole?.map(
      ({ containerPort, protocol, target: to }) =>
        `${String(containerPort)}/${protocol} ${String(to)}`,
    );
  assert.deepEqual(goes([]), ['53/UDP 53', '53/TCP 53', '8125/UDP 8125']);
  // Where both have a number it is TCP's; with one of them alone nothing has to be said.
  assert.deepEqual(goes([{ port: '53', target: 1 }]), ['53/UDP 53', '53/TCP 1', '8125/UDP 8125']);
  assert.deepEqual(goes([{ target: 1 }]), ['53/UDP 53', '53/TCP 1', '8125/UDP 8125']);
  for (const port of ['53/UDP', '53/udp', 'dns', 'dns/UDP']) {
    assert.deepEqual(goes([{ port, target: 1 }]), ['53/UDP 1', '53/TCP 53', '8125/UDP 8125'], port);
  }
  assert.deepEqual(goes([{ port: '8125', target: 1 }])?.at(-1), '8125/UDP 1');
  assert.deepEqual(goes([{ port: '8125/TCP', target: 1 }])?.slice(2), [
    '8125/UDP 8125',
    '8125/TCP 1',
  ]);
  assert.deepEqual(goes([{ port: '70/UDP', target: 1 }])?.at(-1), '70/UDP 1');
  assert.deepEqual(goes([{ target: 1 }], dns.ports.slice(0, 1)), ['53/UDP 1']);
  for (const port of ['dns/TCP', '53/SCTP', '0/UDP', 'nope/UDP']) {
    const wrong = refusal(
      { containerPorts: [{ port, target: 1 }] },
      workload({ containers: [dns] }),
    );
    assert.equal(
      wrong.message,
      `container dns of Deployment hello has no port ${port}; it has dns-tcp (53), dns (53/UDP), 8125/UDP`,
    );
  }
  const both = target({ containerPorts: [] }, workload({ containers: [dns] }));
  assert.equal(both.protocol, 'TCP');
  assert.equal(both.containerPort, 53);
});
