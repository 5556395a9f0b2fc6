import { create } from '@bufbuild/protobuf';
import { KubeFlagsSchema, type KubeFlags } from '#protocol/gen/telepresence_pb.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { kubeFlags } from './kube-flag-specs.ts';

/** kubectl's flags on a parsed line, as the user daemon takes them. */
export function readKubeFlags(line: ParsedLine): KubeFlags {
  const own = new Set(['kubeconfig', 'context', 'namespace']);
  const others = kubeFlags
    .filter(({ name }) => !own.has(name) && line.given(name))
    .map(({ name, kind }): [string, string] => [
      name,
      kind === 'list' ? line.list(name).join(',') : (line.text(name) ?? ''),
    ]);
  return create(KubeFlagsSchema, {
    kubeconfig: line.text('kubeconfig') ?? '',
    context: line.text('context') ?? '',
    namespace: line.text('namespace') ?? '',
    others: Object.fromEntries(others),
  });
}
