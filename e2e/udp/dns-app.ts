import { corednsImage } from '../../playground/cluster-dns.ts';

/** A DNS server's port, as its Service has it. */
interface DnsPort {
  readonly name: string;
  readonly port: number;
  readonly targetPort: number | string;
  readonly protocol: 'UDP' | 'TCP';
}

interface DnsAppOptions {
  readonly namespace: string;
  readonly name: string;
  /** By the Services' names. */
  readonly services: Readonly<Record<string, readonly DnsPort[]>>;
  readonly headless?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Both of a usual DNS server. */
export const dnsPorts: readonly [udp: DnsPort, tcp: DnsPort] = [
  { name: 'dns', port: 53, targetPort: 5353, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, targetPort: 5353, protocol: 'TCP' },
];

/** The same, found by the container's names for them. */
export const namedDnsPorts: readonly DnsPort[] = [
  { name: 'dns', port: 53, targetPort: 'dns', protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, targetPort: 'dns-tcp', protocol: 'TCP' },
];

/** CoreDNS, which knows one zone: to each question for the text of who.test it answers `app`. */
export function dnsApp(options: DnsAppOptions): string {
  const { namespace, name, services, headless = false, annotations = {} } = options;
  const labels = { app: name };
  const files = {
    Corefile: `.:5353 {
  errors
  health :8080
  file /etc/coredns/zone test
}
`,
    zone: `$ORIGIN test.
@ 60 IN SOA ns.test. nobody.test. 1 7200 3600 1209600 60
who 60 IN TXT "app"
`,
  };
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data: files },
    ...Object.entries(services).map(([service, ports]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: service },
      spec: { selector: labels, ports, ...(headless ? { clusterIP: 'None' } : {}) },
    })),
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels, annotations },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 1,
            securityContext: {
              runAsUser: 65_532,
              runAsNonRoot: true,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'dns',
                image: corednsImage,
                args: ['-conf', '/etc/coredns/Corefile'],
                ports: [
                  { name: 'dns', containerPort: 5353, protocol: 'UDP' },
                  { name: 'dns-tcp', containerPort: 5353, protocol: 'TCP' },
                ],
                readinessProbe: { httpGet: { path: '/health', port: 8080 }, periodSeconds: 1 },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ['ALL'] },
                  readOnlyRootFilesystem: true,
                },
                volumeMounts: [{ name: 'config', mountPath: '/etc/coredns', readOnly: true }],
              },
            ],
            volumes: [{ name: 'config', configMap: { name } }],
          },
        },
      },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}
