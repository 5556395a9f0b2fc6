import { version } from '#base/version.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { loadClusterAccess, type KubeFlags } from '#kube/kubeconfig.ts';
import type { FailureCode } from '#protocol/failures.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { failureSentence } from '../output/failure-sentence.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** A client of the cluster that the flags name: only installing talks to a cluster without the daemon. */
export async function clusterClient(context: CliContext, line: ParsedLine): Promise<KubeClient> {
  const access = await loadClusterAccess(context, {
    flags: kubeFlags(line),
    env: context.env,
    home: context.env['HOME'] ?? '/',
  });
  return createKubeClient({
    access,
    clock: context.clock,
    userAgent: `telepresence/v${version}`,
  });
}

function kubeFlags(line: ParsedLine): KubeFlags {
  const groups = line.list('as-group');
  return {
    kubeconfig: line.text('kubeconfig'),
    context: line.text('context'),
    cluster: line.text('cluster'),
    user: line.text('user'),
    as: line.text('as'),
    asGroups: groups.length === 0 ? undefined : groups,
    asUid: line.text('as-uid'),
    token: line.text('token'),
    server: line.text('server'),
    certificateAuthority: line.text('certificate-authority'),
    clientCertificate: line.text('client-certificate'),
    clientKey: line.text('client-key'),
    insecureSkipTlsVerify: line.given('insecure-skip-tls-verify')
      ? line.on('insecure-skip-tls-verify')
      : undefined,
    tlsServerName: line.text('tls-server-name'),
  };
}

/** What the API server said, with the words that `connect` has for it too. */
export function clusterError(thrown: unknown): unknown {
  if (!isKubeError(thrown)) return thrown;
  const codes: Partial<Record<typeof thrown.code, FailureCode>> = {
    BadConfig: 'BadKubeconfig',
    Unauthorized: 'Unauthorized',
    Forbidden: 'Forbidden',
    Unreachable: 'ClusterUnreachable',
  };
  const code = codes[thrown.code] ?? 'Internal';
  const facts = thrown.hint === undefined ? {} : { hint: thrown.hint };
  const { message, hint } = failureSentence({ code, message: thrown.message, facts });
  return new CliError('Failed', message, {
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}
