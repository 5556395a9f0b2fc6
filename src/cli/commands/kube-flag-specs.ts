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
  {
    name: 'as-user-extra',
    kind: 'list',
    value: 'KEY=VALUE',
    help: 'Extra of the user to impersonate; may be repeated',
  },
  text('cache-dir', "kubectl's cache of what the server offers: nothing is cached here", 'folder'),
  text('certificate-authority', "File of the API server's certificate authority", 'file'),
  text('client-certificate', 'File of a client certificate for TLS', 'file'),
  text('client-key', 'File of a client key for TLS', 'file'),
  text('cluster', "Name of the kubeconfig's cluster to use"),
  {
    name: 'context',
    kind: 'text',
    complete: 'context',
    help: "Name of the kubeconfig's context to use",
  },
  {
    name: 'disable-compression',
    kind: 'switch',
    help: 'No compressed answers: none are asked for here',
  },
  {
    name: 'insecure-skip-tls-verify',
    kind: 'switch',
    help: "Do not check the API server's certificate",
  },
  {
    name: 'kubeconfig',
    kind: 'text',
    value: 'file',
    complete: 'file',
    help: 'Path of the kubeconfig file, or - for standard input',
  },
  {
    name: 'namespace',
    short: 'n',
    kind: 'text',
    complete: 'namespace',
    help: 'The namespace to work in',
  },
  {
    name: 'request-timeout',
    kind: 'text',
    value: 'duration',
    help: 'How long one request to the API server may take, such as 10s; 0 for the usual time',
  },
  { name: 'server', short: 's', kind: 'text', help: 'Address and port of the API server' },
  text('tls-server-name', "Name in the API server's certificate"),
  text('token', 'Bearer token for the API server'),
  text('user', "Name of the kubeconfig's user to use"),
];
