import * as v from 'valibot';

/** The part of `metadata` that this room itself reads; everything else stays as it came. */
export const objectMetaSchema = v.looseObject({
  name: v.string(),
  namespace: v.optional(v.string()),
  uid: v.optional(v.string()),
  resourceVersion: v.optional(v.string()),
  generation: v.optional(v.number()),
  creationTimestamp: v.optional(v.string()),
  deletionTimestamp: v.optional(v.string()),
  labels: v.optional(v.record(v.string(), v.string())),
  annotations: v.optional(v.record(v.string(), v.string())),
});

/** Any object, for callers that want nothing but its metadata. */
export const kubeObjectSchema = v.looseObject({
  apiVersion: v.optional(v.string()),
  kind: v.optional(v.string()),
  metadata: objectMetaSchema,
});
export type KubeObject = v.InferOutput<typeof kubeObjectSchema>;

/** A schema of the caller's: foreign JSON in, a type out. */
export type ObjectSchema<T> = v.GenericSchema<unknown, T>;

/** `namespace/name`, or the name alone: how a store knows an object. */
export function objectKey(metadata: {
  readonly namespace?: string | undefined;
  readonly name: string;
}): string {
  return metadata.namespace === undefined
    ? metadata.name
    : `${metadata.namespace}/${metadata.name}`;
}
