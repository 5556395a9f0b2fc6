/** One line of an aligned block: a key, and a value or further lines beneath it. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  /** Lines under this one, already complete but for their indentation. */
  readonly beneath?: readonly string[];
}

/** Lines `KEY: VALUE` with the colons under one another, each indented by `indent` blanks. */
export function alignKeyValues(pairs: readonly KeyValue[], indent: number): readonly string[] {
  const width = Math.max(0, ...pairs.map(({ key }) => key.length));
  const margin = ' '.repeat(indent);
  return pairs.flatMap(({ key, value, beneath = [] }) => [
    ...value
      .split('\n')
      .map((line, index) =>
        index === 0
          ? `${margin}${key.padEnd(width)}: ${line}`
          : `${margin}${' '.repeat(width)}  ${line}`,
      ),
    ...beneath.map((line) => `${margin}  ${line}`),
  ]);
}
