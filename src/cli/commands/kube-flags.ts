import { create } from '@bufbuild/protobuf';
import { KubeFlagsSchema, type KubeFlags } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { CliError } from '../errors.ts';
import { flagDuration } from '../parse/duration.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { readNamespace } from '../parse/namespace-name.ts';
import { kubeFlags } from './kube-flag-specs.ts';

/** kubectl's flags on a parsed line, checked, as the user daemon takes them. */
export async function readKubeFlags(
  context: Pick<CliContext, 'readInput'>,
  line: ParsedLine,
): Promise<KubeFlags> {
  const namespace = readNamespace(line, 'namespace') ?? '';
  checkImpersonation(line);
  const timeout = line.text('request-timeout');
  // kubectl takes a number without a unit for seconds.
  if (timeout !== undefined && !/^\d+$/.test(timeout)) flagDuration('request-timeout', timeout);
  const typed = line.text('kubeconfig') ?? '';
  const own = new Set(['kubeconfig', 'context', 'namespace']);
  const given = kubeFlags.filter(({ name }) => !own.has(name) && line.given(name));
  return create(KubeFlagsSchema, {
    kubeconfig: typed === '-' ? '' : typed,
    kubeconfigText: typed === '-' ? await readKubeconfig(context) : '',
    context: line.text('context') ?? '',
    namespace,
    others: Object.fromEntries(
      given.filter(({ kind }) => kind !== 'list').map(({ name }) => [name, line.text(name) ?? '']),
    ),
    lists: Object.fromEntries(
      given
        .filter(({ kind }) => kind === 'list')
        .map(({ name }) => [name, { values: [...line.list(name)] }]),
    ),
  });
}

/** The API server would only say that the rest is nobody's. */
function checkImpersonation(line: ParsedLine): void {
  const wrong = line.list('as-user-extra').find((each) => !/^[^=]+=/.test(each));
  if (wrong !== undefined) {
    throw new CliError(
      'Usage',
      `invalid argument "${wrong}" for "--as-user-extra": it is KEY=VALUE`,
    );
  }
  if (line.given('as')) return;
  const without = ['as-group', 'as-uid', 'as-user-extra'].find((flag) => line.given(flag));
  if (without !== undefined) {
    throw new CliError('Usage', `--${without} needs --as USER: nobody else can be impersonated`);
  }
}

async function readKubeconfig(context: Pick<CliContext, 'readInput'>): Promise<string> {
  const text = await context.readInput();
  if (text.trim() !== '') return text;
  throw new CliError('Usage', 'there is no kubeconfig on standard input (--kubeconfig -)');
}
