import { version } from '#base/version.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { isKubeError } from '#kube/errors.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import type { FailureCode } from '#protocol/failures.ts';
import { readKubeFlags } from '../commands/kube-flags.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { failureSentence } from '../output/failure-sentence.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';

/** A client of the cluster that the flags name: only installing talks to a cluster without the daemon. */
export async function clusterClient(context: CliContext, line: ParsedLine): Promise<KubeClient> {
  const access = await loadClusterAccess(context, await loadOptions(context, line));
  return createKubeClient({
    access,
    clock: context.clock,
    userAgent: `telepresence/v${version}`,
  });
}

/** Which cluster the flags mean, and where they were typed. */
export async function loadOptions(
  context: CliContext,
  line: ParsedLine,
): Promise<Parameters<typeof loadClusterAccess>[1]> {
  return {
    flags: kubeFlagsOf(await readKubeFlags(context, line), context.cwd),
    env: context.env,
    home: context.env['HOME'] ?? '/',
    workingFolder: context.cwd,
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
  const said = failureSentence({ code, message: thrown.message, facts });
  const { message } = said;
  // What users get by clientRbac does not let anybody install.
  const hint =
    thrown.code === 'Forbidden'
      ? 'an administrator of the cluster can; see who you are: kubectl auth whoami'
      : said.hint;
  return new CliError('Failed', message, {
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}
