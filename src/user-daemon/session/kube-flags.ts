import { resolve } from 'node:path';
import type { KubeFlags as KubeFlagsMessage } from '#protocol/gen/telepresence_pb.ts';
import type { KubeFlags } from '#kube/kubeconfig.ts';

/** kubectl's flags as the CLI sent them; `directory` is where the user typed them. */
export function readKubeFlags(message: KubeFlagsMessage | undefined, directory: string): KubeFlags {
  const others = message?.others ?? {};
  const text = (value: string | undefined): string | undefined =>
    value === '' ? undefined : value;
  const file = (value: string | undefined): string | undefined =>
    value === undefined || value === '' ? undefined : resolve(directory, value);
  const groups = text(others['as-group']);
  return {
    kubeconfig: file(message?.kubeconfig),
    context: text(message?.context),
    namespace: text(message?.namespace),
    cluster: text(others['cluster']),
    user: text(others['user']),
    as: text(others['as']),
    asUid: text(others['as-uid']),
    asGroups: groups?.split(','),
    token: text(others['token']),
    server: text(others['server']),
    tlsServerName: text(others['tls-server-name']),
    certificateAuthority: file(others['certificate-authority']),
    clientCertificate: file(others['client-certificate']),
    clientKey: file(others['client-key']),
    insecureSkipTlsVerify:
      others['insecure-skip-tls-verify'] === undefined
        ? undefined
        : others['insecure-skip-tls-verify'] === 'true',
  };
}
