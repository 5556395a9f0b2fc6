import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import * as v from 'valibot';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import { podObject } from '../state/cluster-objects.ts';
import type { InjectorConfig } from './agent-containers.ts';
import { inject } from './inject.ts';
import { requestedPod, type RequestedPod } from './pod-shape.ts';

const config: InjectorConfig = {
  image: 'registry.example/tel2:1',
  pullPolicy: 'IfNotPresent',
  resources: { requests: {}, limits: {} },
  initResources: { requests: {}, limits: {} },
  securityContext: {},
  excludedEnvironment: [],
  logLevel: 'info',
  manager: { host: 'm', port: 8081 },
  ca: [],
};
const app = {
  name: 'app',
  image: 'app:1',
  command: ['serve'],
  args: ['--all'],
  workingDir: '/srv',
  ports: [{ name: 'http', containerPort: 8080 }],
  env: [{ name: 'NODE_OPTIONS', value: '--require ./trace.js' }],
  envFrom: [{ secretRef: { name: 's' } }],
  resources: { requests: { cpu: '10m' }, limits: { memory: '16Mi' } },
  resizePolicy: [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }],
  livenessProbe: { httpGet: { port: 'http', path: '/live' } },
  lifecycle: { preStop: { httpGet: { port: 'http', path: '/bye' } } },
  volumeMounts: [{ name: 'data', mountPath: '/bin' }],
  securityContext: { privileged: true, runAsUser: 0 },
};
const sidecar = { name: 'sidecar', image: 'sidecar:1', command: ['proxy'] };

function injected(request: object, spec: Record<string, unknown> = {}): RequestedPod {
  const pod = v.parse(requestedPod, {
    metadata: { annotations: { [agentRequestAnnotation]: JSON.stringify(request) } },
    spec: { containers: [app, sidecar], volumes: [{ name: 'data', emptyDir: {} }], ...spec },
  });
  const result = inject(pod, config);
  assert.ok(result.kind === 'injected', result.kind === 'left' ? result.reason : '');
  return result.pod;
}

test('what waits has the place, the ports and the resources of the container, and nothing else', () => {
  const pod = injected({ take: 'redirect', replace: ['app', 'nobody'] });
  const [waiting, other] = pod.spec.containers;
  assert.ok(waiting !== undefined);
  const { command, ...rest } = waiting;
  assert.deepEqual(rest, {
    name: 'app',
    image: config.image,
    imagePullPolicy: 'IfNotPresent',
    ports: app.ports,
    resources: app.resources,
    resizePolicy: app.resizePolicy,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
    },
  });
  assert.deepEqual(other, sidecar);
  const agent = v.parse(podObject, pod).spec.agent;
  assert.deepEqual(agent?.replaced, ['app']);
  // The laptop gets what the container would have had.
  const env = pod.spec.initContainers?.find(({ name }) => name === 'traffic-agent')?.env ?? [];
  assert.ok(env.some(({ name }) => name === '_TEL_APP_0_NODE_OPTIONS'));
  assert.deepEqual(agent.containers[0]?.mounts, ['/bin']);
  assert.equal(v.parse(v.array(v.string()), command)[0], '/bin/sh');
});

test('a pod whose user is root gets another one for it; one without ports needs none', () => {
  const root = injected(
    { take: 'redirect', replace: ['app'] },
    { securityContext: { runAsUser: 0 } },
  );
  assert.equal(root.spec.containers[0]?.securityContext?.runAsUser, 7439);
  const worker = injected(
    { take: 'rename', ports: [], replace: ['worker'] },
    { containers: [{ name: 'worker', image: 'w' }] },
  );
  const agent = v.parse(podObject, worker).spec.agent;
  assert.deepEqual([agent?.take, agent?.replaced], ['rename', ['worker']]);
});

test('it waits, and ends at once when it is told to', async () => {
  const [waiting] = injected({ take: 'redirect', replace: ['app'] }).spec.containers;
  const [shell = '', ...args] = v.parse(v.array(v.string()), waiting?.['command']);
  const script = (args[1] ?? '').replace('while', 'echo waiting; while');
  const child = spawn(shell, [args[0] ?? '', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(10_000) });
  child.kill('SIGTERM');
  const [status]: unknown[] = await once(child, 'exit', { signal: AbortSignal.timeout(10_000) });
  assert.equal(status, 0);
});
