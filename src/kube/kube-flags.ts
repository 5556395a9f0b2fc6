import { resolve } from 'node:path';
import type { KubeFlags as KubeFlagsMessage } from '#protocol/gen/telepresence_pb.ts';
import type { KubeFlags } from './kubeconfig.ts';

/** kubectl's flags as the CLI sent them; `directory` is where the user typed them. */
export function kubeFlagsOf(message: KubeFlagsMessage | undefined, directory: string): KubeFlags {
  const others = message?.others ?? {};
  const text = (value: string | undefined): string | undefined =>
    value === '' ? undefined : value;
  const file = (value: string | undefined): string | undefined =>
    value === undefined || value === '' ? undefined : resolve(directory, value);
  const list = (name: string): string[] | undefined => message?.lists[name]?.values;
  return {
    kubeconfig: file(message?.kubeconfig),
    kubeconfigText: text(message?.kubeconfigText),
    context: text(message?.context),
    namespace: text(message?.namespace),
    cluster: text(others['cluster']),
    user: text(others['user']),
    as: text(others['as']),
    asUid: text(others['as-uid']),
    asGroups: list('as-group'),
    asUserExtra: extraOf(list('as-user-extra')),
    requestTimeoutMs: timeoutMs(others['request-timeout']),
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

/** `KEY=VALUE`, where a key may come several times. */
function extraOf(pairs: readonly string[] = []): Record<string, string[]> | undefined {
  const extra = new Map<string, string[]>();
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    const key = pair.slice(0, split);
    extra.set(key, [...(extra.get(key) ?? []), pair.slice(split + 1)]);
  }
  return pairs.length === 0 ? undefined : Object.fromEntries(extra);
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** As the CLI has checked it: seconds, or Go's words; 0 is the usual time. */
function timeoutMs(typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined;
  const parts = [...typed.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|$)/g)];
  const ms = parts.reduce((sum, [, number, unit = '']) => {
    return sum + Number(number) * (unitMs[unit] ?? 1000);
  }, 0);
  return ms > 0 ? ms : undefined;
}
