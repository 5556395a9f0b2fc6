import { onCluster } from './run.ts';

/** On the node's own disk, as a driver of volumes would make it. */
const disk = '/var/lib/e2e-volumes-disk';
const labels = { app: 'vols' };

/** Volumes of every kind, in a pod whose user is not root; another workload shares one of them. */
export function volumesApp(namespace: string): string {
  const named = (kind: string, name: string, more: object): object => ({
    apiVersion: 'v1',
    kind,
    metadata: { namespace, name },
    ...more,
  });
  const template = {
    metadata: {
      labels,
      annotations: { 'telepresence.io/inject-ignore-volume-mounts': 'ignored' },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsUser: 999, runAsGroup: 999, fsGroup: 999, runAsNonRoot: true },
      containers: [
        {
          name: 'app',
          image: 'playground/nginx:1',
          command: ['nginx', '-e', '/dev/stderr', '-c', '/etc/hello/nginx.conf'],
          ports: [{ containerPort: 8080 }],
          volumeMounts: [
            { name: 'config', mountPath: '/etc/hello' },
            { name: 'settings', mountPath: '/etc/settings' },
            { name: 'settings', mountPath: '/etc/one.conf', subPath: 'color' },
            { name: 'secret', mountPath: '/etc/secret', readOnly: true },
            { name: 'data', mountPath: '/data' },
            { name: 'disk', mountPath: '/disk' },
            { name: 'ignored', mountPath: '/ignored' },
          ],
        },
      ],
      volumes: [
        { name: 'config', configMap: { name: 'hello' } },
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'secret', secret: { secretName: 'secret', defaultMode: 0o440 } },
        { name: 'data', emptyDir: {} },
        { name: 'disk', persistentVolumeClaim: { claimName: 'disk' } },
        { name: 'ignored', emptyDir: {} },
      ],
    },
  };
  const capacity = { storage: '1Mi' };
  return [
    named('ConfigMap', 'settings', { data: { color: 'blue' } }),
    named('Secret', 'secret', { stringData: { password: 'hidden' } }),
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `${namespace}-disk` },
      spec: {
        capacity,
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: disk, type: 'DirectoryOrCreate' },
        storageClassName: 'e2e',
        claimRef: { namespace, name: 'disk' },
      },
    },
    named('PersistentVolumeClaim', 'disk', {
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'e2e',
        resources: { requests: capacity },
      },
    }),
    named('Service', 'vols', {
      spec: { selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    }),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'vols' },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

/** A disk whose files are another user's: one that everybody may read, one that nobody else may. */
export async function writeDisk(): Promise<void> {
  const script = `mkdir -p ${disk}; cd ${disk}; echo shared >shared; echo mine >mine; chmod 600 mine`;
  await onCluster(['sh', '-c', script]);
}

export async function removeDisk(namespace: string): Promise<void> {
  await onCluster(['sh', '-c', `rm -rf ${disk}`]);
  const pv = ['kubectl', 'delete', 'pv', `${namespace}-disk`, '--ignore-not-found', '--wait=false'];
  await onCluster(pv, { mayFail: true });
}
