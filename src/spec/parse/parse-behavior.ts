import type { ServiceBehavior } from '../compose-spec.ts';
import { serviceBehaviorSchema } from '../schema/compose.ts';
import { checkShape } from './check-shape.ts';
import type { Finding } from './problem.ts';
import { resolveBehavior } from './resolve-handler.ts';

/**
 * What a Compose service's `x-telepresence` means, or all that is wrong with it. The names in it
 * are not looked up: only the specification knows them.
 */
export function parseBehavior(
  value: unknown,
): { readonly behavior: ServiceBehavior } | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const report = (finding: Finding): void => {
    findings.push(finding);
  };
  const isRight = checkShape(serviceBehaviorSchema, value, { report, refer: () => {} });
  return isRight ? { behavior: resolveBehavior(value) } : { findings };
}
