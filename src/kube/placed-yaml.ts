import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

/** What a YAML text says, and where. */
export interface PlacedYaml {
  readonly value: unknown;
  /** The line of what stands at `path`, or of the nearest thing above it that has one. */
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined;
}

/** Reads a YAML text of one document; throws the parser's error, which quotes lines of the text. */
export function parsePlacedYaml(text: string): PlacedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: true });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  return {
    // Aliases are followed only so far: a few lines can mean gigabytes.
    value: document.toJS(),
    lineOf: (path) => {
      let node: unknown = document.contents;
      let line: number | undefined;
      for (const step of path) {
        if (isAlias(node)) node = node.resolve(document);
        let start: number | undefined;
        if (isMap(node)) {
          const pair = node.items.find(
            ({ key }) => isScalar(key) && String(key.value) === String(step),
          );
          start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
          node = pair?.value;
        } else if (isSeq(node)) {
          const item: unknown = node.items[Number(step)];
          start = isNode(item) ? item.range?.[0] : undefined;
          node = item;
        }
        if (start === undefined) break;
        ({ line } = lines.linePos(start));
      }
      return line;
    },
  };
}
