/** A workload of busybox that does nothing, whose pods have an agent, and its Service, port 9000. */
export function quietApp(namespace: string, name: string): readonly object[] {
  const labels = { app: name };
  const annotations = { 'telepresence.io/inject-traffic-agent': 'enabled' };
  const port = 9000;
  const containers = [
    {
      name: 'main',
      image: 'playground/busybox:1',
      command: ['sleep', '1000000'],
      ports: [{ containerPort: port }],
    },
  ];
  const template = {
    metadata: { labels, annotations },
    spec: { automountServiceAccountToken: false, terminationGracePeriodSeconds: 0, containers },
  };
  return [
    service(namespace, name, labels),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: { replicas: 1, selector: { matchLabels: labels }, template },
    },
  ];
}

/** A Service, port 9000, of the pods with these labels. */
export function service(
  namespace: string,
  name: string,
  selector: Readonly<Record<string, string>>,
): object {
  const ports = [{ name: 'echo', port: 9000, targetPort: 9000 }];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { selector, ports },
  };
}

/** Names like `web-007`. */
export function numbered(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}-${String(at).padStart(3, '0')}`);
}

/** A list to apply. */
export function listOf(items: readonly object[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
