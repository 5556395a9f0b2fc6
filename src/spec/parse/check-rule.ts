import type { Rule } from '../schema/shape.ts';
import type { Finding, Path } from './problem.ts';
import { orList } from './words.ts';

/** Reports where the fields of an object are at odds with a rule. */
export function checkRule(
  rule: Rule,
  value: Readonly<Record<string, unknown>>,
  path: Path,
  report: (finding: Finding) => void,
): void {
  const given = (fields: readonly string[]): readonly string[] =>
    fields.filter((field) => Object.hasOwn(value, field));
  switch (rule.kind) {
    case 'exactlyOne':
    case 'atMostOne': {
      const [first, second] = given(rule.of);
      if (first === undefined && rule.kind === 'exactlyOne') {
        report({ path, message: 'says too little', allowed: `one of ${orList(rule.of)}` });
      }
      if (first === undefined || second === undefined) return;
      report({
        path: [...path, second],
        atKey: true,
        message: `stands beside ${first}`,
        allowed: `only one of ${orList(rule.of)}`,
      });
      return;
    }
    case 'excludes': {
      if (value[rule.field] !== rule.is) return;
      for (const other of given(rule.others)) {
        report({
          path: [...path, other],
          atKey: true,
          message: `stands beside ${rule.field}: ${rule.is}`,
          allowed: `one of the two, or ${rule.field}: ${rule.is === true ? 'false' : '…'}`,
        });
      }
      return;
    }
    case 'onlyWhere':
      if (value[rule.field] === rule.is || !Object.hasOwn(value, rule.other)) return;
      report({
        path: [...path, rule.other],
        atKey: true,
        message: Object.hasOwn(value, rule.field)
          ? `stands beside ${rule.field}: ${String(value[rule.field])}`
          : `stands without ${rule.field}`,
        allowed: `only with ${rule.field}: ${rule.is}`,
      });
  }
}
