import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { addresses, apiServerGroup, ports } from './addresses.ts';
import { authority, certify, serviceAccountKey, subjects } from './certificates.ts';
import type { Component } from './component.ts';
import { kubeconfigFor, kubeconfigPath, servers, writeKubeconfig } from './kubeconfig.ts';
import type { Layout } from './layout.ts';

/** Makes every certificate and kubeconfig that the cluster's own parts and its users need. */
export async function writeCredentials(layout: Layout, signal: AbortSignal): Promise<void> {
  const write = async (certificate: keyof typeof subjects, name: string, server: string) => {
    const subject = subjects[certificate];
    const text = await kubeconfigFor(layout, { subject, certificate, server, signal });
    await writeKubeconfig(layout, name, text);
  };
  const person = async (user: string): Promise<void> => {
    const options = {
      subject: { user },
      certificate: `user-${user}`,
      server: servers.direct,
      signal,
    };
    await writeKubeconfig(layout, user, await kubeconfigFor(layout, options));
  };
  await Promise.all([
    certify(layout, 'apiserver', { subject: subjects.apiserver, signal }),
    certify(layout, 'apiserver-kubelet-client', {
      subject: subjects['apiserver-kubelet-client'],
      signal,
    }),
    certify(layout, 'front-proxy-client', { subject: subjects['front-proxy-client'], signal }),
    write('controller-manager', 'controller-manager', servers.direct),
    write('scheduler', 'scheduler', servers.direct),
    write('kube-proxy', 'kube-proxy', servers.direct),
    write('kubelet', 'kubelet', servers.direct),
    person('alice'),
    person('bob'),
    write('admin', 'admin', servers.direct),
  ]);
  await write('admin', 'admin-rtt20', servers.delayed);
  await write('admin', 'admin-50mbit-rtt20', servers.narrow);
}

/** The store behind the API server. It need not survive the machine, so it never syncs. */
export function etcd(layout: Layout): Component {
  const client = 'http://127.0.0.1:2379';
  const peer = 'http://127.0.0.1:2380';
  return component(layout, 'etcd', {
    name: 'playground',
    'data-dir': '/var/lib/etcd',
    'unsafe-no-fsync': 'true',
    'log-level': 'warn',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `playground=${peer}`,
  });
}

/** The API server, which writes an audit log of who asked for what (never with bodies). */
export async function apiServer(layout: Layout): Promise<Component> {
  const policy = join(layout.config, 'audit-policy.yaml');
  await writeFile(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n');
  const file = (name: string): string => join(layout.certificates, name);
  const ca = authority(layout).certificate;
  const tokens = serviceAccountKey(layout);
  const flags: Readonly<Record<string, string>> = {
    'advertise-address': addresses.node,
    'secure-port': String(ports.api),
    'allow-privileged': 'true',
    'audit-log-path': join(layout.logs, 'audit.log'),
    'audit-policy-file': policy,
    'authorization-mode': 'Node,RBAC',
    'client-ca-file': ca,
    'enable-admission-plugins': 'NodeRestriction',
    'etcd-servers': 'http://127.0.0.1:2379',
    'kubelet-client-certificate': file('apiserver-kubelet-client.crt'),
    'kubelet-client-key': file('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP',
    'proxy-client-cert-file': file('front-proxy-client.crt'),
    'proxy-client-key-file': file('front-proxy-client.key'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': ca,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': tokens.public,
    'service-account-signing-key-file': tokens.key,
    'service-cluster-ip-range': `${addresses.serviceCidr},${addresses.serviceCidrV6}`,
    'tls-cert-file': file('apiserver.crt'),
    'tls-private-key-file': file('apiserver.key'),
  };
  const { name, argv } = component(layout, 'kube-apiserver', flags);
  // Its packets to pods can be told from the kubelet's (pod-block.ts).
  return { name, argv: ['setpriv', `--regid=${apiServerGroup}`, '--keep-groups', ...argv] };
}

/** The controllers, and what gives pods to nodes. */
export function controllers(layout: Layout): readonly Component[] {
  const config = (name: string): string => kubeconfigPath(layout, name);
  const ca = authority(layout);
  return [
    component(layout, 'kube-controller-manager', {
      kubeconfig: config('controller-manager'),
      'authentication-kubeconfig': config('controller-manager'),
      'authorization-kubeconfig': config('controller-manager'),
      'allocate-node-cidrs': 'true',
      'cluster-cidr': `${addresses.podCidr},${addresses.podCidrV6}`,
      'cluster-signing-cert-file': ca.certificate,
      'cluster-signing-key-file': ca.key,
      'leader-elect': 'false',
      'root-ca-file': ca.certificate,
      'service-account-private-key-file': serviceAccountKey(layout).key,
      'service-cluster-ip-range': `${addresses.serviceCidr},${addresses.serviceCidrV6}`,
      'use-service-account-credentials': 'true',
    }),
    component(layout, 'kube-scheduler', {
      kubeconfig: config('scheduler'),
      'authentication-kubeconfig': config('scheduler'),
      'authorization-kubeconfig': config('scheduler'),
      'leader-elect': 'false',
    }),
  ];
}

function component(
  layout: Layout,
  name: string,
  flags: Readonly<Record<string, string>>,
): Component {
  const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  return { name, argv: [join(layout.programs, 'kubernetes'), name, ...words] };
}
