import * as v from 'valibot';
import { isTree } from './values.ts';
import { valuesSchema } from './values-schema.ts';

/** A part of JSON Schema. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One value for the documentation. */
export interface ValueRow {
  readonly path: string;
  readonly description: string;
  /** Undefined: absent unless given. */
  readonly fallback: unknown;
  readonly schema: JsonSchema;
}

/** Every value, in the order of the schema. */
export function valueRows(): readonly ValueRow[] {
  return rowsOf(valuesSchema, '');
}

/** Every value's path. */
export function valuePaths(): readonly string[] {
  return valueRows().map(({ path }) => path);
}

function rowsOf(schema: v.GenericSchema, path: string): readonly ValueRow[] {
  if (schema.type === 'strict_object') {
    const prefix = path === '' ? '' : `${path}.`;
    return Object.entries(partsOf(schema)).flatMap(([key, part]) => rowsOf(part, prefix + key));
  }
  const inner = wrapped(schema) ?? schema;
  return [
    {
      path,
      description: v.getDescription(inner) ?? '',
      fallback: v.getDefault(schema),
      schema: jsonSchemaOf(inner),
    },
  ];
}

/** What a schema accepts, as JSON Schema. Rules that are code are left to our own check. */
export function jsonSchemaOf(schema: v.GenericSchema): JsonSchema {
  const rules = 'pipe' in schema && Array.isArray(schema.pipe) ? schema.pipe.map(ruleOf) : [];
  return Object.assign({}, typeOf(schema), ...rules);
}

function typeOf(schema: v.GenericSchema): JsonSchema {
  switch (schema.type) {
    case 'string':
    case 'number':
    case 'boolean':
      return { type: schema.type };
    case 'literal':
      return { const: 'literal' in schema ? schema.literal : undefined };
    case 'picklist':
      return { enum: 'options' in schema ? schema.options : [] };
    case 'array':
      return { type: 'array', items: jsonSchemaOf(part(schema, 'item')) };
    case 'record':
      return { type: 'object', additionalProperties: jsonSchemaOf(part(schema, 'value')) };
    case 'union':
      return {
        anyOf:
          'options' in schema && Array.isArray(schema.options)
            ? schema.options.filter(isSchema).map(jsonSchemaOf)
            : [],
      };
    case 'unknown':
      return {};
    case 'strict_object':
      return objectOf(schema);
    default:
      throw new Error(`no JSON Schema for ${schema.type}`);
  }
}

function objectOf(schema: v.GenericSchema): JsonSchema {
  const parts = Object.entries(partsOf(schema));
  const required = parts.filter(
    ([, part]) => part.type !== 'optional' && part.type !== 'strict_object',
  );
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      parts.map(([key, part]) => [key, jsonSchemaOf(wrapped(part) ?? part)]),
    ),
    ...(required.length === 0 ? {} : { required: required.map(([key]) => key) }),
  };
}

function ruleOf(rule: unknown): JsonSchema {
  // A pipe inside of a pipe.
  if (isSchema(rule)) return 'pipe' in rule ? jsonSchemaOf(rule) : {};
  if (!isTree(rule)) return {};
  const { type, requirement } = rule;
  switch (type) {
    case 'integer':
      return { type: 'integer' };
    case 'min_value':
      return { minimum: requirement };
    case 'max_value':
      return { maximum: requirement };
    case 'min_length':
      return { minLength: requirement };
    case 'max_length':
      return { maxLength: requirement };
    case 'regex':
      return { pattern: requirement instanceof RegExp ? requirement.source : '' };
    default:
      return {};
  }
}

function wrapped(schema: v.GenericSchema): v.GenericSchema | undefined {
  return schema.type === 'optional' ? part(schema, 'wrapped') : undefined;
}

function partsOf(schema: v.GenericSchema): Readonly<Record<string, v.GenericSchema>> {
  const parts: Record<string, v.GenericSchema> = {};
  if (!('entries' in schema) || !isTree(schema.entries)) return parts;
  for (const [key, one] of Object.entries(schema.entries)) if (isSchema(one)) parts[key] = one;
  return parts;
}

function part(schema: v.GenericSchema, name: string): v.GenericSchema {
  const found = Object.entries(schema).find(([key]) => key === name)?.[1];
  if (!isSchema(found)) throw new Error(`${schema.type} without ${name}`);
  return found;
}

function isSchema(value: unknown): value is v.GenericSchema {
  return isTree(value) && value['kind'] === 'schema' && typeof value['type'] === 'string';
}
