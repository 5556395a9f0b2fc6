/** Whether a value of the document is a map. */
export function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether it is a list. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
