import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../images/command.ts';
import { addresses, nodeName } from './addresses.ts';
import type { Layout } from './layout.ts';

/** Who a certificate is for, and the names and addresses it serves (none for a client). */
export interface Subject {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly serves?: readonly string[];
}

/** A certificate and its key, as files. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** The cluster's certificate authority. */
export function authority(layout: Layout): KeyPair {
  return pairAt(layout, 'ca');
}

/** The key pair that service-account tokens are signed with. */
export function serviceAccountKey(layout: Layout): {
  readonly key: string;
  readonly public: string;
} {
  const base = join(layout.certificates, 'service-accounts');
  return { key: `${base}.key`, public: `${base}.pub` };
}

/** Makes the authority and the service-account key. */
export async function createAuthority(layout: Layout, signal: AbortSignal): Promise<void> {
  await mkdir(layout.certificates, { recursive: true, mode: 0o700 });
  await writeFile(configPath(layout), '[req]\ndistinguished_name = dn\n[dn]\n');
  await request(
    layout,
    {
      pair: authority(layout),
      subject: '/CN=playground',
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'],
      signedBy: undefined,
    },
    signal,
  );
  const { key, public: out } = serviceAccountKey(layout);
  await run(['openssl', 'genrsa', '-out', key, '2048'], { signal });
  await run(['openssl', 'pkey', '-in', key, '-pubout', '-out', out], { signal });
}

/** A certificate signed by the authority; made once for each `name`. */
export async function certify(
  layout: Layout,
  name: string,
  options: { readonly subject: Subject; readonly signal: AbortSignal },
): Promise<KeyPair> {
  const pair = pairAt(layout, name);
  if (await stat(pair.certificate).catch(() => undefined)) return pair;
  const { subject } = options;
  const parts = [
    ...(subject.groups ?? []).map((group) => ['O', group] as const),
    ['CN', subject.user] as const,
  ];
  const distinguished = parts.map(
    ([type, value]) => `/${type}=${value.replace(/[/\\+]/g, '\\$&')}`,
  );
  const alternatives = (subject.serves ?? []).map((host) =>
    /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`,
  );
  const usage = alternatives.length > 0 ? 'clientAuth,serverAuth' : 'clientAuth';
  const draft = { ...pair, certificate: `${pair.certificate}.draft` };
  const extensions = [
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    `extendedKeyUsage=${usage}`,
    ...(alternatives.length > 0 ? [`subjectAltName=${alternatives.join(',')}`] : []),
  ];
  await request(
    layout,
    { pair: draft, subject: distinguished.join(''), extensions, signedBy: authority(layout) },
    options.signal,
  );
  await rename(draft.certificate, pair.certificate);
  return pair;
}

/** The certificates of the control plane's parts and of the node, by file name. */
export const subjects = {
  apiserver: {
    user: 'kube-apiserver',
    serves: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      '127.0.0.1',
      addresses.gateway,
      addresses.node,
      addresses.apiService,
    ],
  },
  'apiserver-kubelet-client': { user: 'kube-apiserver-kubelet-client', groups: ['system:masters'] },
  'front-proxy-client': { user: 'front-proxy-client' },
  admin: { user: 'kubernetes-admin', groups: ['system:masters'] },
  'controller-manager': { user: 'system:kube-controller-manager' },
  scheduler: { user: 'system:kube-scheduler' },
  'kube-proxy': { user: 'system:kube-proxy' },
  kubelet: { user: `system:node:${nodeName}`, groups: ['system:nodes'] },
} satisfies Readonly<Record<string, Subject>>;

interface CertificateRequest {
  readonly pair: KeyPair;
  readonly subject: string;
  readonly extensions: readonly string[];
  /** Undefined is itself. */
  readonly signedBy: KeyPair | undefined;
}

async function request(
  layout: Layout,
  wanted: CertificateRequest,
  signal: AbortSignal,
): Promise<void> {
  const flags = {
    newkey: 'ec',
    pkeyopt: 'ec_paramgen_curve:P-256',
    config: configPath(layout),
    days: '3650',
    subj: wanted.subject,
    keyout: wanted.pair.key,
    out: wanted.pair.certificate,
    ...(wanted.signedBy && { CA: wanted.signedBy.certificate, CAkey: wanted.signedBy.key }),
  };
  const words = Object.entries(flags).flatMap(([flag, value]) => [`-${flag}`, value]);
  const extensions = wanted.extensions.flatMap((extension) => ['-addext', extension]);
  await run(['openssl', 'req', '-x509', '-nodes', ...words, ...extensions], { signal });
}

const configPath = (layout: Layout): string => join(layout.certificates, 'openssl.cnf');

function pairAt(layout: Layout, name: string): KeyPair {
  const base = join(layout.certificates, name);
  return { certificate: `${base}.crt`, key: `${base}.key` };
}
