import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { agentConfigVariable, agentTokenPath } from '#protocol/agent-config.ts';
import { agentContainer, agentInitContainer, agentRequestAnnotation } from '#protocol/resources.ts';
import { podObject } from '../state/cluster-objects.ts';
import { agentTakes } from '../state/injected.ts';
import { tokenVolume, type InjectorConfig } from './agent-containers.ts';
import { inject, patchBetween } from './inject.ts';
import { requestedPod, type PodContainer, type RequestedPod } from './pod-shape.ts';
import { hiddenName } from './rename-ports.ts';

const config: InjectorConfig = {
  image: 'registry.example/tel2:1',
  pullPolicy: 'IfNotPresent',
  resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { cpu: '1', memory: '256Mi' } },
  initResources: { requests: {}, limits: {} },
  securityContext: {},
  excludedEnvironment: [],
  logLevel: 'info',
  manager: { host: 'traffic-manager-agents.ambassador.svc', port: 8081 },
  ca: ['-----BEGIN CERTIFICATE-----'],
};

const redirect = { [agentRequestAnnotation]: JSON.stringify({ take: 'redirect' }) };
const rename = { [agentRequestAnnotation]: JSON.stringify({ take: 'rename', ports: ['http'] }) };

const app = {
  name: 'app',
  image: 'app:1',
  ports: [{ name: 'http', containerPort: 8080, hostPort: 80, hostIP: '10.0.0.1' }],
  env: [{ name: 'A', value: '1' }],
  livenessProbe: { httpGet: { port: 'http', path: '/live' }, periodSeconds: 3 },
  readinessProbe: { tcpSocket: { port: 8080 } },
  startupProbe: { tcpSocket: { port: 'http' } },
  lifecycle: { preStop: { httpGet: { port: 'http', path: '/bye' } } },
  volumeMounts: [{ name: 'data', mountPath: '/data' }],
};

function podOf(
  annotations: Record<string, string>,
  spec: Record<string, unknown> = {},
): RequestedPod {
  return v.parse(requestedPod, {
    metadata: { generateName: 'hello-', annotations, labels: { app: 'hello' } },
    spec: { containers: [app], volumes: [{ name: 'data', emptyDir: {} }], ...spec },
  });
}

function injected(pod: RequestedPod): RequestedPod {
  const result = inject(pod, config);
  assert.ok(result.kind === 'injected', `left: ${result.kind === 'left' ? result.reason : ''}`);
  return result.pod;
}

function left(pod: RequestedPod): string {
  const result = inject(pod, config);
  assert.equal(result.kind, 'left');
  return result.kind === 'left' ? result.reason : '';
}

function initOf(pod: RequestedPod, name: string): PodContainer {
  const found = pod.spec.initContainers?.find((one) => one.name === name);
  assert.ok(found, `no init container ${name}`);
  return found;
}

const ownReadiness = {
  tcpSocket: { port: 9900 },
  periodSeconds: 1,
  timeoutSeconds: 5,
  failureThreshold: 30,
};

test('redirect: rules first, then the sidecar, then the pod’s own, and the app is untouched', () => {
  const pod = podOf(redirect, { initContainers: [{ name: 'migrate', image: 'm' }] });
  const after = injected(pod);
  assert.deepEqual(
    after.spec.initContainers?.map((one) => one.name),
    [agentInitContainer, agentContainer, 'migrate'],
  );
  assert.deepEqual(after.spec.containers, pod.spec.containers);
  assert.deepEqual(after.metadata, pod.metadata);
  const sidecar = initOf(after, agentContainer);
  assert.equal(sidecar['restartPolicy'], 'Always');
  assert.deepEqual(sidecar['args'], ['agent']);
  // The app never waits for it, and the pod is ready only once it is taken.
  assert.deepEqual(sidecar.readinessProbe, ownReadiness);
  assert.equal(sidecar.startupProbe, undefined);
  assert.deepEqual(sidecar['securityContext'], {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    runAsGroup: 7439,
  });
  assert.deepEqual(initOf(after, agentInitContainer)['securityContext'], {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    seccompProfile: { type: 'RuntimeDefault' },
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
    runAsNonRoot: false,
    runAsUser: 0,
    runAsGroup: 0,
  });
  assert.deepEqual(sidecar.volumeMounts, [
    { name: tokenVolume, mountPath: '/var/run/secrets/telepresence.io', readOnly: true },
    { name: 'data', mountPath: '/tel_app_mounts/app/data' },
  ]);
  assert.equal(agentTokenPath, '/var/run/secrets/telepresence.io/token');
});

test('the agent’s configuration is what the controller reads back', () => {
  const { agent } = v.parse(podObject, injected(podOf(redirect))).spec;
  assert.deepEqual(agent?.containers, [
    {
      name: 'app',
      envPrefix: '_TEL_APP_0_',
      mounts: ['/data'],
      volumesAt: '/tel_app_mounts/app',
      volumes: [{ path: '/data', readOnly: false, small: false }],
    },
  ]);
  assert.equal(agent.take, 'redirect');
  assert.equal(agentTakes(agent, { containerPort: 1, portName: undefined, protocol: 'UDP' }), true);
});

test('rename: the name, the node’s port move; probes and hooks keep meaning the app', () => {
  const after = injected(podOf(rename));
  const hidden = hiddenName('http');
  assert.ok(hidden.length <= 15 && /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/.test(hidden));
  assert.deepEqual(after.spec.containers, [
    {
      ...app,
      ports: [{ name: hidden, containerPort: 8080 }],
      livenessProbe: { httpGet: { port: 8080, path: '/live' }, periodSeconds: 3 },
      startupProbe: { tcpSocket: { port: 8080 } },
      lifecycle: { preStop: { httpGet: { port: 8080, path: '/bye' } } },
    },
  ]);
  assert.deepEqual(
    after.spec.initContainers?.map((one) => one.name),
    [agentContainer],
  );
  const sidecar = initOf(after, agentContainer);
  assert.deepEqual(sidecar.ports, [
    { name: 'http', containerPort: 9901, protocol: 'TCP', hostPort: 80, hostIP: '10.0.0.1' },
  ]);
  assert.deepEqual(sidecar.readinessProbe, ownReadiness);
  const agent = v.parse(podObject, after).spec.agent;
  assert.deepEqual(agent?.renamed, [{ name: 'http', listenPort: 9901, appPort: 8080 }]);
  assert.equal(agentTakes(agent, { containerPort: 8080, portName: 'http', protocol: 'TCP' }), true);
  for (const other of [
    { containerPort: 9090, portName: 'grpc', protocol: 'TCP' },
    { containerPort: 8080, portName: 'http', protocol: 'UDP' },
  ] as const) {
    assert.equal(agentTakes(agent, other), false);
  }
});

test('rename listens where no container does, and only ports of the protocol that is asked for move', () => {
  const containers = [
    {
      name: 'app',
      ports: [
        { name: 'http', containerPort: 9901 },
        { name: 'other', containerPort: 9902 },
      ],
    },
    { name: 'dns', ports: [{ name: 'http', containerPort: 53, protocol: 'UDP' }] },
  ];
  const after = injected(podOf(rename, { containers }));
  assert.equal(initOf(after, agentContainer).ports?.[0]?.containerPort, 9903);
  assert.deepEqual(after.spec.containers[1], containers[1]);

  const both = { take: 'rename', ports: ['http', 'http/UDP'] };
  const moved = injected(podOf({ [agentRequestAnnotation]: JSON.stringify(both) }, { containers }));
  assert.deepEqual(initOf(moved, agentContainer).ports, [
    { name: 'http', containerPort: 9903, protocol: 'TCP' },
    { name: 'http', containerPort: 9904, protocol: 'UDP' },
  ]);
  assert.deepEqual(moved.spec.containers[1]?.ports, [
    { name: hiddenName('http'), containerPort: 53, protocol: 'UDP' },
  ]);
  const agent = v.parse(podObject, moved).spec.agent;
  assert.deepEqual(agent?.renamed[1], {
    name: 'http',
    listenPort: 9904,
    appPort: 53,
    protocol: 'UDP',
  });
  assert.equal(agentTakes(agent, { containerPort: 53, portName: 'http', protocol: 'UDP' }), true);
});

test('an agent that is to take nothing: no port is renamed, none needs a name', () => {
  const nothing = { [agentRequestAnnotation]: JSON.stringify({ take: 'rename', ports: [] }) };
  const containers = [{ name: 'app', ports: [{ containerPort: 8080 }] }];
  const after = injected(podOf(nothing, { containers }));
  assert.deepEqual(after.spec.containers, containers);
  const agent = initOf(after, agentContainer);
  assert.deepEqual(agent.ports ?? [], []);
  assert.equal(after.spec.initContainers?.length, 1, 'no rules are laid');
});

test('whom it leaves alone', () => {
  assert.equal(left(podOf({})), 'NotAsked');
  const hostNetwork = { hostNetwork: true };
  assert.equal(left(podOf(redirect, hostNetwork)), 'HostNetwork');
  assert.equal(left(podOf(rename, hostNetwork)), 'HostNetwork');
  const foreign = { containers: [app, { name: agentContainer, image: 'peer' }] };
  assert.equal(left(podOf(redirect, foreign)), 'ForeignAgent');
  assert.equal(left(podOf(rename, { containers: [{ name: 'x' }] })), 'NoSuchPorts');
  assert.equal(left(podOf({ [agentRequestAnnotation]: '{' })), 'BadRequest');
  const busy = { containers: [{ name: 'x', ports: [{ containerPort: 9900 }] }] };
  assert.equal(left(podOf(redirect, busy)), 'PortInUse');
  const named = { containers: [app, ...busy.containers] };
  assert.equal(left(podOf(rename, named)), 'PortInUse');
  for (const prefix of ['telepresence.io', 'telepresence.getambassador.io']) {
    const wish = `${prefix}/inject-traffic-agent`;
    assert.equal(left(podOf({ ...redirect, [wish]: 'disabled' })), 'Disabled');
    assert.ok(injected(podOf({ [wish]: 'enabled' })));
  }
});

test('only root is replaced as user, and a Guaranteed pod stays one', () => {
  const asUser = (runAsUser: number): object => {
    const after = injected(podOf(redirect, { securityContext: { runAsUser } }));
    return Object(initOf(after, agentContainer)['securityContext']);
  };
  assert.ok(!Object.hasOwn(asUser(1000), 'runAsUser'));
  assert.ok(Object.hasOwn(asUser(0), 'runAsUser'));
  const own = { ...app, securityContext: { runAsUser: 1001 } };
  const asOwn = injected(podOf(redirect, { containers: [own] }));
  const { runAsUser } = { runAsUser: 0, ...Object(initOf(asOwn, agentContainer).securityContext) };
  assert.equal(runAsUser, 1001);
  const sidecar = initOf(injected(podOf(redirect)), agentContainer);
  assert.deepEqual(sidecar.resources, config.resources);
  const limits = { cpu: '1', memory: '1Gi' };
  const guaranteed = injected(
    podOf(redirect, { containers: [{ name: 'app', resources: { limits, requests: limits } }] }),
  );
  assert.deepEqual(initOf(guaranteed, agentContainer).resources, {
    requests: config.resources.limits,
    limits: config.resources.limits,
  });
});

const portName = fc.constantFrom('http', 'grpc', 'a', undefined);
const containers = fc
  .uniqueArray(
    fc.record({
      name: fc.constantFrom('app', 'web', 'db'),
      image: fc.string(),
      ports: fc.array(
        fc
          .record({ name: portName, containerPort: fc.integer({ min: 9899, max: 9904 }) })
          .map(({ name, containerPort }) =>
            name === undefined ? { containerPort } : { name, containerPort },
          ),
        { maxLength: 3 },
      ),
      env: fc.array(fc.record({ name: fc.constantFrom('A', 'B'), value: fc.string() })),
      anything: fc.jsonValue(),
    }),
    { selector: (one) => one.name, minLength: 1, maxLength: 3 },
  )
  .map((list) => ({ containers: list }));

test('any pod: the patch makes what is expected, twice is once, the rest stays', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(redirect, rename),
      containers,
      fc.dictionary(fc.constantFrom('x', 'y'), fc.jsonValue()),
      (annotations, spec, more) => {
        const pod = podOf(annotations, { ...more, ...spec });
        const before = structuredClone(pod);
        const result = inject(pod, config);
        assert.deepEqual(pod, before, 'the request was changed');
        if (result.kind === 'left') return;
        const patched = structuredClone(pod);
        for (const { path, value } of patchBetween(pod, result.pod)) {
          const part = path.split('/')[2];
          assert.ok(part);
          patched.spec[part] = value;
        }
        assert.deepEqual(patched, result.pod);
        assert.equal(left(patched), 'AlreadyInjected');
        const strip = (one: RequestedPod): unknown => ({
          ...one,
          spec: {
            ...one.spec,
            initContainers: undefined,
            volumes: undefined,
            containers: one.spec.containers.map((c) => ({ ...c, ports: c.ports?.length })),
          },
        });
        assert.deepEqual(strip(patched), strip(pod));
        const used = new Set(
          patched.spec.containers.flatMap((c) => c.ports?.map((p) => p.containerPort)),
        );
        const listens = initOf(patched, agentContainer).ports ?? [];
        assert.ok(listens.every((p) => !used.has(p.containerPort)));
        const configured = initOf(patched, agentContainer).env?.filter(
          (one) => one.name === agentConfigVariable,
        );
        assert.equal(configured?.length, 1);
        assert.ok(v.parse(podObject, patched).spec.agent);
      },
    ),
  );
});
