import * as v from 'valibot';

const managedField = v.looseObject({
  manager: v.optional(v.string(), ''),
  operation: v.optional(v.string(), ''),
  apiVersion: v.optional(v.string(), ''),
  subresource: v.optional(v.string(), ''),
  fieldsV1: v.optional(v.record(v.string(), v.unknown()), {}),
});

/** Who has set which fields of an object, as the API server keeps it. */
export const managedFields = v.optional(v.array(managedField), []);

type ManagedFields = v.InferOutput<typeof managedFields>;
type FieldSet = ManagedFields[number]['fieldsV1'];

// The field manager of Helm 3, which updates, and of Helm 4, which applies.
const helm = 'helm';

/**
 * The same fields, with what the real Helm has set as what `fieldManager` has applied, so that its
 * next apply removes what is no longer wanted; undefined where Helm has set nothing.
 */
export function takenFromHelm(
  fields: ManagedFields,
  fieldManager: string,
): ManagedFields | undefined {
  const isHelms = (one: ManagedFields[number]): boolean =>
    one.manager === helm && one.subresource === '';
  const theirs = fields.filter(isHelms);
  if (theirs.length === 0) return undefined;
  let taken: ManagedFields = fields.filter((one) => !isHelms(one));
  for (const { apiVersion, fieldsV1, ...rest } of theirs) {
    const isOurs = (one: ManagedFields[number]): boolean =>
      one.manager === fieldManager && one.operation === 'Apply' && one.apiVersion === apiVersion;
    const ours = taken.find(isOurs) ?? { ...rest, apiVersion, fieldsV1: {} };
    taken = [
      ...taken.filter((one) => !isOurs(one)),
      {
        ...ours,
        manager: fieldManager,
        operation: 'Apply',
        fieldsV1: union(ours.fieldsV1, fieldsV1),
      },
    ];
  }
  return taken;
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const both: FieldSet = { ...a };
  for (const [key, theirs] of Object.entries(b)) {
    const ours = both[key];
    both[key] = isFieldSet(ours) && isFieldSet(theirs) ? union(ours, theirs) : theirs;
  }
  return both;
}

function isFieldSet(value: unknown): value is FieldSet {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
