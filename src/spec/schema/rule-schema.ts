import type { Rule } from './shape.ts';

/** A part of JSON Schema, or of Kubernetes' OpenAPI. */
export type SchemaPart = Readonly<Record<string, unknown>>;

/** Rules as JSON Schema can say them. */
export function ruleSchemas(rules: readonly Rule[]): SchemaPart {
  if (rules.length === 0) return {};
  return { allOf: rules.map(ruleSchema) };
}

function ruleSchema(rule: Rule): SchemaPart {
  switch (rule.kind) {
    case 'exactlyOne':
      return { oneOf: rule.of.map((field) => ({ required: [field] })) };
    case 'atMostOne': {
      const pairs = rule.of.flatMap((one, at) =>
        rule.of.slice(at + 1).map((other) => ({ required: [one, other] })),
      );
      return { not: { anyOf: pairs } };
    }
    case 'excludes': {
      const others = rule.others.map((field) => ({ required: [field] }));
      return { not: { allOf: [equals(rule.field, rule.is), { anyOf: others }] } };
    }
    case 'onlyWhere':
  }
  return { anyOf: [{ not: { required: [rule.other] } }, equals(rule.field, rule.is)] };
}

function equals(field: string, value: boolean | string): SchemaPart {
  return { required: [field], properties: { [field]: { enum: [value] } } };
}
