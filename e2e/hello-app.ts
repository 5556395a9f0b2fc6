const labelsOf = (name: string): Readonly<Record<string, string>> => ({ app: name });

/** A port of a Service, and what it sends to. */
export interface HelloPort {
  readonly name?: string;
  readonly port: number;
  readonly targetPort: number | string;
}

interface HelloOptions {
  readonly namespace: string;
  readonly name: string;
  readonly kind?: 'Deployment' | 'StatefulSet' | 'ReplicaSet' | 'Rollout';
  /** By the Services' names; the workload's own, port 80 to 8080, unless said. */
  readonly services?: Readonly<Record<string, readonly HelloPort[]>>;
  readonly headless?: boolean;
  /** Of the pod template. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** The path and port of readiness and liveness probes. */
  readonly probe?: { readonly path: string; readonly port: number | string };
  /** Whether the containers say which ports they listen on; they do unless said. */
  readonly declared?: boolean;
  /** A second container, which listens on 9091 of the pod's localhost only. */
  readonly sidecar?: boolean;
  /** More of the workload. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** More of the pod. */
  readonly pod?: Readonly<Record<string, unknown>>;
}

/**
 * nginx on 8080 (`http`) and 8081 (`other`) in one pod, which keeps to Pod Security "restricted".
 * Every answer is `app POD PORT` (a sidecar's `sidecar POD`); below /healthz it is `ok`.
 */
export function helloApp(options: HelloOptions): string {
  const { namespace, name, kind = 'Deployment', headless = false } = options;
  const services = options.services ?? { [name]: [{ port: 80, targetPort: 8080 }] };
  return [
    configMap(namespace),
    ...Object.entries(services).map(([service, ports]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name: service },
      spec: { selector: labelsOf(name), ports, ...(headless ? { clusterIP: 'None' } : {}) },
    })),
    {
      apiVersion: kind === 'Rollout' ? 'argoproj.io/v1alpha1' : 'apps/v1',
      kind,
      metadata: { namespace, name },
      spec: {
        replicas: 1,
        selector: { matchLabels: labelsOf(name) },
        ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
        ...options.spec,
        template: template(options),
      },
    },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');
}

function template(options: HelloOptions): object {
  const { name, annotations = {}, probe, declared = true, sidecar = false, pod = {} } = options;
  const httpGet = probe ?? { path: '/healthz', port: 8080 };
  return {
    metadata: { labels: labelsOf(name), annotations },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: {
        runAsUser: 999,
        runAsGroup: 999,
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'app',
          image: 'playground/nginx:1',
          command: ['nginx', '-e', '/dev/stderr', '-c', '/etc/hello/nginx.conf'],
          ...(declared ? { ports: declaredPorts } : {}),
          readinessProbe: { httpGet, periodSeconds: 1 },
          // A single failure of one that is tested counts.
          ...(probe === undefined
            ? {}
            : {
                readinessProbe: { httpGet, periodSeconds: 1, failureThreshold: 1 },
                livenessProbe: { httpGet, periodSeconds: 1, failureThreshold: 2 },
              }),
          ...confined,
        },
        ...(sidecar ? [sidecarContainer] : []),
      ],
      volumes: [{ name: 'config', configMap: { name: 'hello' } }],
      ...pod,
    },
  };
}

const declaredPorts = [
  { name: 'http', containerPort: 8080 },
  { name: 'other', containerPort: 8081 },
];

const confined = {
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  volumeMounts: [{ name: 'config', mountPath: '/etc/hello', readOnly: true }],
};

const sidecarContainer = {
  name: 'sidecar',
  image: 'playground/nginx:1',
  command: ['nginx', '-e', '/dev/stderr', '-c', '/etc/hello/sidecar.conf'],
  env: [{ name: 'WHO', value: 'sidecar' }],
  ...confined,
};

function configMap(namespace: string): object {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const servers = (text: string): string => `pid /tmp/nginx.pid;
worker_processes 1;
daemon off;
events { worker_connections 1024; }
http {
  access_log off;
  ${temporary.map((what) => `${what}_temp_path /tmp/${what};`).join(' ')}
  server {
    default_type text/plain;
    location /healthz { return 200 "ok\\n"; }
    ${text}
  }
}
`;
  const app = `listen 8080; listen 8081;
    location / { return 200 "app $hostname $server_port\\n"; }`;
  const sidecar = `listen 127.0.0.1:9091;
    location / { return 200 "sidecar $hostname\\n"; }`;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: 'hello' },
    data: { 'nginx.conf': servers(app), 'sidecar.conf': servers(sidecar) },
  };
}
