import type { SchemaPart } from './rule-schema.ts';
import type { Rule } from './shape.ts';

/** A rule in Kubernetes' expression language, and what is said of who breaks it. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Rules of an object's fields as the API server checks them. */
export function celRules(rules: readonly Rule[], more: readonly CelRule[] = []): SchemaPart {
  const all = [...rules.map(celRule), ...more];
  return all.length === 0 ? {} : { 'x-kubernetes-validations': all };
}

/** Of the whole document: names that must be there. */
export const referenceRules: readonly CelRule[] = [
  {
    rule: 'self.workloads.all(w, w.intercepts.all(i, self.handlers.exists(h, h.name == i.handler)))',
    message: 'intercepts handler must reference an existing handler name',
  },
  {
    rule: '!has(self.prerequisites) || self.prerequisites.all(p, self.handlers.exists(h, h.name == p.create))',
    message: 'prerequisites create must reference an existing handler name',
  },
  {
    rule: '!has(self.prerequisites) || self.prerequisites.all(p, !has(p.delete) || self.handlers.exists(h, h.name == p.delete))',
    message: 'prerequisites delete must reference an existing handler name',
  },
];

function celRule(rule: Rule): CelRule {
  switch (rule.kind) {
    case 'exactlyOne':
      return { rule: `${howMany(rule.of)} == 1`, message: `exactly one of ${rule.of.join(', ')}` };
    case 'atMostOne':
      return { rule: `${howMany(rule.of)} <= 1`, message: `only one of ${rule.of.join(', ')}` };
    case 'excludes':
      return {
        rule: `!(${equals(rule.field, rule.is)}) || !(${rule.others.map(has).join(' || ')})`,
        message: `${rule.field}: ${rule.is} excludes ${rule.others.join(', ')}`,
      };
    case 'onlyWhere':
  }
  return {
    rule: `!${has(rule.other)} || (${equals(rule.field, rule.is)})`,
    message: `${rule.other} only with ${rule.field}: ${rule.is}`,
  };
}

function howMany(fields: readonly string[]): string {
  return `[${fields.map(has).join(', ')}].filter(given, given).size()`;
}

function equals(field: string, value: boolean | string): string {
  const literal = typeof value === 'string' ? `'${value}'` : String(value);
  return `${has(field)} && self.${field} == ${literal}`;
}

function has(field: string): string {
  return `has(self.${field})`;
}
