import type { FlagSpec } from '../parse/flag-spec.ts';

const text = (name: string, help: string, value = 'string'): FlagSpec => ({
  name,
  kind: 'text',
  value,
  help,
});

/** The flags by which kubectl too is told which cluster to talk to, and as whom. */
export const kubeFlags: readonly FlagSpec[] = [
  text('as', 'Username to impersonate'),
  { name: 'as-group', kind: 'list', help: 'Group to impersonate; may be repeated' },
  text('as-uid', 'UID to impersonate'),
  text('certificate-authority', "File of the API server's certificate authority", 'file'),
  text('client-certificate', 'File of a client certificate for TLS', 'file'),
  text('client-key', 'File of a client key for TLS', 'file'),
  text('cluster', "Name of the kubeconfig's cluster to use"),
  text('context', "Name of the kubeconfig's context to use"),
  {
    name: 'insecure-skip-tls-verify',
    kind: 'switch',
    help: "Do not check the API server's certificate",
  },
  text('kubeconfig', 'Path of the kubeconfig file', 'file'),
  {
    name: 'namespace',
    short: 'n',
    kind: 'text',
    help: 'The namespace to work in',
  },
  { name: 'server', short: 's', kind: 'text', help: 'Address and port of the API server' },
  text('tls-server-name', "Name in the API server's certificate"),
  text('token', 'Bearer token for the API server'),
  text('user', "Name of the kubeconfig's user to use"),
];
