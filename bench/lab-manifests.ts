import { relayPort, targetPorts } from './ports.ts';

/** The namespace of all that the bench puts into the cluster. */
export const labNamespace = 'bench';

/** Pods that ask for nothing get next to nothing of a busy machine, beside pods that do. */
export const fairShare = { requests: { cpu: '200m' } } as const;

interface Lab {
  readonly image: string;
  /** By file name. */
  readonly programs: ReadonlyMap<string, string>;
  readonly tls: { readonly key: string; readonly certificate: string };
  /** Changes when a program changes. */
  readonly version: string;
}

/** The objects of the lab, in the order of applying. */
export function labManifests(lab: Lab): readonly object[] {
  const inLab = (name: string): object => ({ name, namespace: labNamespace });
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: labNamespace } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: inLab('programs'),
      data: Object.fromEntries(lab.programs),
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: inLab('relay'),
      stringData: { 'tls.key': lab.tls.key, 'tls.crt': lab.tls.certificate },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: inLab('relay'),
      spec: { selector: { app: 'relay' }, ports: [{ name: 'api', port: relayPort }] },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: inLab('target'),
      spec: {
        selector: { app: 'target' },
        ports: Object.entries(targetPorts).map(([name, port]) => ({ name, port })),
      },
    },
    pod(lab, 'relay', ['/programs/relay.mjs']),
    pod(lab, 'target', ['/programs/target.mjs']),
    pod(lab, 'client', ['-e', 'setInterval(() => {}, 1e9)']),
  ];
}

/** A Deployment of one pod behind a Service of the same name, port 8080: something to work on. */
export function labWorkload(options: {
  readonly name: string;
  readonly container: object;
  readonly volumes: readonly object[];
}): object {
  const { name, container, volumes } = options;
  const labels = { app: name };
  const metadata = { name, namespace: labNamespace };
  const containers = [{ name: 'app', ports: [{ containerPort: 8080 }], ...container }];
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 0, containers, volumes },
  };
  const service = { selector: labels, ports: [{ port: 8080 }] };
  const deployment = { selector: { matchLabels: labels }, template };
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'Service', metadata, spec: service },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: deployment },
    ],
  };
}

function pod(lab: Lab, name: string, args: readonly string[]): object {
  const ports: Readonly<Record<string, number>> = { relay: relayPort, target: targetPorts.http };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: labNamespace,
      labels: { app: name, version: lab.version },
    },
    spec: {
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      containers: [
        {
          name,
          image: lab.image,
          resources: fairShare,
          args: ['--disable-warning=ExperimentalWarning', ...args],
          ...(ports[name] === undefined
            ? {}
            : { readinessProbe: { tcpSocket: { port: ports[name] }, periodSeconds: 1 } }),
          volumeMounts: [
            { name: 'programs', mountPath: '/programs' },
            { name: 'relay', mountPath: '/tls' },
          ],
        },
      ],
      volumes: [
        { name: 'programs', configMap: { name: 'programs' } },
        { name: 'relay', secret: { secretName: 'relay' } },
      ],
    },
  };
}
