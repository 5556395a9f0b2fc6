import { onCluster } from './run.ts';

/** On the node's own disk: what is done there outlives a pod. */
const disk = '/var/lib/e2e-worker';

/** A container that does something ten times a second by itself, and writes down when. */
const works = (name: string): object => ({
  name,
  image: 'playground/busybox:1',
  command: ['sh', '-c', `trap 'exit 0' TERM; while :; do echo >>/done/${name}; sleep 0.1; done`],
  // Another program that takes its place would stumble over these.
  workingDir: '/done',
  env: [
    { name: 'QUEUE', value: `${name}-queue` },
    { name: 'NODE_OPTIONS', value: '--require /nowhere.js' },
    {
      name: 'MEMORY',
      valueFrom: { resourceFieldRef: { containerName: name, resource: 'limits.memory' } },
    },
  ],
  resources: { requests: { cpu: '1m', memory: '4Mi' }, limits: { memory: '16Mi' } },
  livenessProbe: { exec: { command: ['test', '-e', `/done/${name}`] }, periodSeconds: 1 },
  volumeMounts: [
    { name: 'done', mountPath: '/done' },
    { name: 'settings', mountPath: '/bin/settings' },
  ],
});

/** A consumer without ports or Service, with a sidecar that consumes as well. */
export function workerApp(namespace: string, kind = 'Deployment', name = 'worker'): string {
  const labels = { app: name };
  const template = {
    metadata: { labels },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 5,
      containers: [works(name), works(`${name}-sidecar`)],
      volumes: [
        { name: 'done', hostPath: { path: disk, type: 'DirectoryOrCreate' } },
        { name: 'settings', configMap: { name: `${name}-settings` } },
      ],
    },
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: `${name}-settings` },
      data: { color: 'blue' },
    },
    {
      apiVersion: 'apps/v1',
      kind,
      metadata: { namespace, name },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

/** How often one of them has done it so far. */
export async function timesDone(name: string): Promise<number> {
  const { stdout } = await onCluster(['sh', '-c', `wc -l <${disk}/${name} 2>/dev/null || echo 0`]);
  return Number(stdout.trim());
}

export async function removeWork(): Promise<void> {
  await onCluster(['rm', '-rf', disk]);
}
