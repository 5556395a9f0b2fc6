import fc from 'fast-check';
import { specificationSchema } from '../schema/specification.ts';
import { withNames } from './with-names.fixture.ts';
import type { ListShape, ObjectShape, Rule, Shape, TextShape } from '../schema/shape.ts';

/** Specifications that are right: each field there or not, each name one that there is. */
export const anyDocument: fc.Arbitrary<unknown> = anyObject(specificationSchema).map(withNames);

type Fields = Readonly<Record<string, unknown>>;

function anyOf(shape: Shape): fc.Arbitrary<unknown> {
  switch (shape.kind) {
    case 'text':
      return anyText(shape);
    case 'choice':
      return fc.constantFrom(...shape.choices);
    case 'integer':
      return fc.integer({ min: shape.min, max: shape.max });
    case 'boolean':
      return fc.boolean();
    case 'free':
      return fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), {
        maxKeys: 3,
        noNullPrototype: true,
      });
    case 'list':
      return anyList(shape);
    case 'either':
      return fc.oneof(...shape.shapes.map(anyOf));
    case 'object':
  }
  return anyObject(shape);
}

function anyText({ form, max = 100 }: TextShape): fc.Arbitrary<string> {
  if (form === undefined) return fc.string();
  if (form.isValid !== undefined) return fc.constantFrom('10.0.0.0/8', '1.2.3.4/32', 'fd00::/8');
  return fc.stringMatching(new RegExp(form.pattern)).filter((text) => text.length <= max);
}

function anyList({ of, min = 0, max = 3, uniqueBy }: ListShape): fc.Arbitrary<unknown> {
  const length = { minLength: min, maxLength: Math.min(max, 3) };
  if (uniqueBy === undefined) return fc.array(anyOf(of), length);
  const selector = (item: unknown): unknown =>
    typeof item === 'object'
      ? Object.entries(item ?? {}).find(([key]) => key === uniqueBy)?.[1]
      : '';
  return fc.uniqueArray(anyOf(of), { ...length, selector });
}

function anyObject({ fields, rules }: ObjectShape): fc.Arbitrary<Fields> {
  const given = Object.entries(fields).map(
    ([name, { shape, required }]) =>
      [name, required ? anyOf(shape) : fc.option(anyOf(shape), { nil: undefined })] as const,
  );
  const chosen = rules.flatMap((rule) =>
    rule.kind === 'exactlyOne'
      ? rule.of.map((name) => [name, anyOf(fields[name]?.shape ?? { kind: 'boolean' })] as const)
      : [],
  );
  return fc
    .record({ given: fc.record(Object.fromEntries(given)), one: oneOf(chosen) })
    .map(({ given: all, one }) => {
      const written = Object.entries({ ...all, ...one }).filter(([, value]) => value !== undefined);
      return rules.reduce<Fields>(obeying, Object.fromEntries(written));
    });
}

function oneOf(
  choices: readonly (readonly [string, fc.Arbitrary<unknown>])[],
): fc.Arbitrary<Fields> {
  if (choices.length === 0) return fc.constant({});
  return fc.oneof(...choices.map(([name, value]) => value.map((one) => ({ [name]: one }))));
}

/** The fields without those that the rule forbids beside the others. */
function obeying(fields: Fields, rule: Rule): Fields {
  const given = (name: string): boolean => Object.hasOwn(fields, name);
  const without = (names: readonly string[]): Fields =>
    Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
  switch (rule.kind) {
    case 'exactlyOne':
    case 'atMostOne':
      return without(rule.of.filter(given).slice(1));
    case 'excludes':
      return fields[rule.field] === rule.is ? without(rule.others) : fields;
    case 'onlyWhere':
  }
  return fields[rule.field] === rule.is ? fields : without([rule.other]);
}
