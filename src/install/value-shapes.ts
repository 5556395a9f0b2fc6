import * as v from 'valibot';
import { durationMs } from '#base/duration.ts';
import { parseSubnet } from '#protocol/ip-address.ts';

/** A value with its default and the sentence that the documentation has for it. */
export function value<
  TSchema extends v.GenericSchema,
  const TDefault extends v.InferInput<TSchema>,
>(schema: TSchema, fallback: TDefault, description: string) {
  return v.optional(v.pipe(schema, v.description(description)), fallback);
}

/** A value that is absent unless given. */
export function without<TSchema extends v.GenericSchema>(schema: TSchema, description: string) {
  return v.optional(v.pipe(schema, v.description(description)));
}

/** Values under one name. */
export function group<TEntries extends v.ObjectEntries>(entries: TEntries) {
  return v.strictObject(entries);
}

export const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
export const name = v.pipe(v.string(), v.minLength(1, 'must not be empty'));
export const texts = v.array(v.string());
export const strings = v.record(v.string(), v.string());
/** A part of a pod's spec, handed on as it is: the API server checks it. */
export const anything = v.record(v.string(), v.unknown());
export const things = v.array(anything);
export const subnets = v.array(
  v.pipe(
    v.string(),
    v.check((text) => parseSubnet(text) !== undefined, 'not a subnet (10.0.0.0/8)'),
  ),
);
export const subnetOrNone = v.pipe(
  v.string(),
  v.check(
    (text) => text === '' || parseSubnet(text) !== undefined,
    'not a subnet (246.246.0.0/16)',
  ),
);
export const namespaceNames = v.array(
  v.pipe(
    v.string(),
    v.regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'not the name of a namespace'),
    v.maxLength(63, 'not the name of a namespace'),
  ),
);
/** YAML has numbers that JSON has not. */
export const quantities = v.record(
  v.string(),
  v.union([v.string(), v.pipe(v.number(), v.finite('not a number'))]),
);
export const duration = v.pipe(
  v.string(),
  v.regex(/^(\d+(ms|s|m|h))+$/, 'not a duration (24h, 90s)'),
  v.check((text) => durationMs(text) !== undefined, 'not a duration (24h, 90s)'),
);
/** Names, each with what it stands for. */
export const nameMappings = v.array(v.strictObject({ name, aliasFor: name }));
export const pullPolicy = v.picklist(['Always', 'IfNotPresent', 'Never']);
export const pullSecrets = v.array(v.strictObject({ name }));
/** `matchLabels` and `matchExpressions`, as Kubernetes has them. */
export const selector = v.strictObject({
  matchLabels: v.optional(strings, {}),
  matchExpressions: v.optional(
    v.array(
      v.strictObject({
        key: name,
        operator: v.picklist(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: v.optional(texts),
      }),
    ),
    [],
  ),
});
export const subject = v.strictObject({
  kind: v.picklist(['User', 'Group', 'ServiceAccount']),
  name,
  namespace: v.optional(name),
  apiGroup: v.optional(v.string()),
});
