import { celRules, referenceRules } from './cel-rules.ts';
import type { SchemaPart } from './rule-schema.ts';
import type { EitherShape, ObjectShape, Shape } from './shape.ts';
import { specificationSchema } from './specification.ts';
import { choicePattern, descriptionOf, patternOf } from './texts.ts';

/**
 * The schema of the custom resource, as Kubernetes wants it (structural): each value of one type,
 * no references, and rules in its own language, which the API server says in our words. It has no defaults: they would be written into what
 * users applied.
 */
export function openApiSchema(): SchemaPart {
  return {
    type: 'object',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: { description: 'The specification', ...partOf(specificationSchema) },
    },
  };
}

const anything = { 'x-kubernetes-preserve-unknown-fields': true };

function partOf(shape: Shape): SchemaPart {
  switch (shape.kind) {
    case 'text': {
      const pattern = patternOf(shape);
      const max = shape.max === undefined ? {} : { maxLength: shape.max };
      return { type: 'string', pattern, ...max };
    }
    case 'choice':
      return { type: 'string', pattern: choicePattern(shape) };
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'boolean':
      return { type: 'boolean' };
    case 'free':
      return { type: 'object', ...anything };
    case 'either':
      return eitherOf(shape);
    case 'list': {
      const { min: minItems, max: maxItems, uniqueBy } = shape;
      return {
        type: 'array',
        items: partOf(shape.of),
        ...(minItems !== undefined && { minItems }),
        ...(maxItems !== undefined && { maxItems }),
        ...(uniqueBy !== undefined && {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': [uniqueBy],
        }),
      };
    }
    case 'object':
  }
  return objectOf(shape);
}

/** Numbers or texts have a word of their own; other values of several types go unchecked. */
function eitherOf({ shapes }: EitherShape): SchemaPart {
  const kinds = shapes
    .map(({ kind }) => kind)
    .toSorted()
    .join();
  return kinds === 'integer,text' ? { 'x-kubernetes-int-or-string': true } : anything;
}

function objectOf(shape: ObjectShape): SchemaPart {
  const { fields } = shape;
  const properties = Object.entries(fields).map(([name, field]) => [
    name,
    { description: descriptionOf(field), ...partOf(field.shape) },
  ]);
  const needed = Object.keys(fields).filter((name) => fields[name]?.required);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    ...(needed.length > 0 && { required: needed }),
    ...celRules(shape.rules, shape === specificationSchema ? referenceRules : []),
  };
}
