import { type Document, isAlias, isMap, isNode, isScalar, visit, type YAMLMap } from 'yaml';
import { quoted } from './words.ts';

interface Found {
  readonly offset: number;
  readonly message: string;
}

/** Finds keys that stand twice in one map, and aliases of what is named nowhere before them. */
export function findRepeats(document: Document.Parsed): Found[] {
  const found: Found[] = [];
  const anchors = new Set<string>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const { source, range } = node;
      if (anchors.has(source)) return;
      const message = `the alias *${source} stands for nothing: no &${source} comes before it`;
      found.push({ offset: range?.[0] ?? 0, message });
      return;
    }
    if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
    if (isMap(node)) found.push(...repeatedKeys(node));
  });
  return found;
}

function repeatedKeys({ items }: YAMLMap): Found[] {
  const keys = new Set<string>();
  return items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    if (!keys.has(name)) {
      keys.add(name);
      return [];
    }
    return [{ offset: key.range?.[0] ?? 0, message: `${quoted(name)} stands twice in one map` }];
  });
}
