import { manifestSchema } from './manifest.ts';
import { ruleSchemas, type SchemaPart } from './rule-schema.ts';
import type { Field, ObjectShape, Shape } from './shape.ts';
import { specificationSchema } from './specification.ts';
import { choicePattern, descriptionOf, patternOf } from './texts.ts';

/**
 * The schema for editors: JSON Schema, draft 7. It knows all but names that must be somewhere else
 * in the document, what must be there once only, and arithmetic on addresses.
 */
export function jsonSchema(): SchemaPart {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Intercept Specification',
    if: { type: 'object', anyOf: [{ required: ['kind'] }, { required: ['apiVersion'] }] },
    // oxlint-disable-next-line unicorn/no-thenable -- It is the word of JSON Schema.
    then: partOf(manifestSchema),
    else: theSpecification,
    definitions: { specification: objectOf(specificationSchema) },
  };
}

/** It stands in the resource, too. */
const theSpecification = { $ref: '#/definitions/specification' };

function partOf(shape: Shape): SchemaPart {
  switch (shape.kind) {
    case 'text': {
      const pattern = patternOf(shape);
      const max =
        shape.max === undefined || shape.names === undefined ? {} : { maxLength: shape.max };
      return { type: 'string', pattern, ...max };
    }
    case 'choice':
      return {
        type: 'string',
        anyOf: [{ enum: shape.choices }, { pattern: choicePattern(shape) }],
      };
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max };
    case 'boolean':
      return { type: 'boolean' };
    case 'free':
      return { type: 'object' };
    case 'either':
      return { anyOf: shape.shapes.map(partOf) };
    case 'list': {
      const { min: minItems, max: maxItems } = shape;
      return {
        type: 'array',
        items: partOf(shape.of),
        ...(minItems !== undefined && { minItems }),
        ...(maxItems !== undefined && { maxItems }),
      };
    }
    case 'object':
  }
  return shape === specificationSchema ? theSpecification : objectOf(shape);
}

function objectOf({ fields, rules }: ObjectShape): SchemaPart {
  const properties = Object.entries(fields).map(([name, field]) => [name, propertyOf(field)]);
  const needed = Object.keys(fields).filter((name) => fields[name]?.required);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
    ...(needed.length > 0 && { required: needed }),
    ...ruleSchemas(rules),
  };
}

function propertyOf(field: Field): SchemaPart {
  return {
    description: descriptionOf(field),
    ...(field.fallback !== undefined && { default: field.fallback }),
    ...partOf(field.shape),
  };
}
