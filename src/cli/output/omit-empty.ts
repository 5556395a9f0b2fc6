/**
 * An object as it is printed for programs: without fields that are empty, false or zero, as they
 * have always been left out.
 */
export function omitEmpty(object: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object)
      .map(([name, value]): [string, unknown] => [name, inner(value)])
      .filter(([, value]) => !isEmpty(value)),
  );
}

function inner(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inner);
  return typeof value === 'object' && value !== null ? omitEmpty(value) : value;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false || value === 0) {
    return true;
  }
  return typeof value === 'object' && Object.keys(value).length === 0;
}
