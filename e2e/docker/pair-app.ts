/** A pod with two containers, which share one volume and have one of their own. */
export function pairApp(namespace: string): string {
  const labels = { app: 'pair' };
  const container = (name: string, port: number, dir: string): object => ({
    name,
    image: 'playground/busybox:1',
    command: ['sh', '-c', `while :; do nc -l -p ${String(port)} -e true; done`],
    ports: [{ containerPort: port, name: dir }],
    volumeMounts: [
      { name: dir, mountPath: `/etc/${dir}` },
      { name: 'shared', mountPath: '/shared' },
    ],
  });
  const config = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name },
    data: { name },
  });
  const volume = (name: string): object => ({ name, configMap: { name } });
  return [
    config('one'),
    config('two'),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: 'pair' },
      spec: {
        selector: labels,
        ports: [
          { name: 'one', port: 80, targetPort: 'one' },
          { name: 'two', port: 81, targetPort: 'two' },
        ],
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name: 'pair' },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            terminationGracePeriodSeconds: 1,
            containers: [container('app', 8080, 'one'), container('two', 8081, 'two')],
            volumes: [volume('one'), volume('two'), { name: 'shared', emptyDir: {} }],
          },
        },
      },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}
