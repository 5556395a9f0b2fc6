/**
 * A web server for tests: a Deployment of busybox behind a Service, port 80 to the pods' 8080.
 * Every pod answers with its own name.
 */
export function webApp(options: {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  /** The Service gives the pods' own addresses. */
  readonly headless?: boolean;
  /** Its pods have an agent from the start. */
  readonly agent?: boolean;
  /** Whether readiness is asked for; on a busy machine it comes and goes. True unless said. */
  readonly probed?: boolean;
}): string {
  const { namespace, name, replicas, probed = true } = options;
  const labels = { app: name };
  const serve =
    'mkdir -p /tmp/www && hostname > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www';
  const ports = [{ name: 'http', port: 80, targetPort: 8080 }];
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: {
        selector: labels,
        ...(options.headless === true
          ? { clusterIP: 'None', ports: [{ name: 'http', port: 8080 }] }
          : { ports }),
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: {
            labels,
            ...(options.agent === true
              ? { annotations: { 'telepresence.io/inject-traffic-agent': 'enabled' } }
              : {}),
          },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 0,
            containers: [
              {
                name: 'web',
                image: 'playground/busybox:1',
                command: ['sh', '-c', serve],
                ports: [{ containerPort: 8080 }],
                // Patient: on an overloaded machine an answer within a second is not sure, and a
                // Service without a ready pod refuses its users, whoever has the traffic.
                ...(probed
                  ? {
                      readinessProbe: {
                        httpGet: { path: '/', port: 8080 },
                        periodSeconds: 1,
                        timeoutSeconds: 5,
                      },
                    }
                  : {}),
              },
            ],
          },
        },
      },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}
