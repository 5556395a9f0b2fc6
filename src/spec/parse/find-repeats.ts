import { type Document, isAlias, isMap, isNode, isScalar, visit, type YAMLMap } from 'yaml';
import { quoted } from './words.ts';

interface Found {
  readonly offset: number;
  readonly message: string;
}

/**
 * Finds keys that stand twice in one map, and aliases of what is named nowhere before
 * them: no more than `most`.
 */
export function findRepeats(document: Document.Parsed, most: number): readonly Found[] {
  const found: Found[] = [];
  const anchors = new Set<string>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const { source, range } = node;
      if (anchors.has(source)) return undefined;
      const message = `the alias *${source} stands for nothing: no &${source} comes before it`;
      found.push({ offset: range?.[0] ?? 0, message });
    }
    if (isNode(node) && node.anchor !== undefined) anchors.add(node.anchor);
    if (isMap(node)) addRepeatedKeys(node, found, most);
    return found.length < most ? undefined : visit.BREAK;
  });
  return found.slice(0, most);
}

function addRepeatedKeys({ items }: YAMLMap, found: Found[], most: number): void {
  const keys = new Set<string>();
  for (const { key } of items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    if (keys.has(name)) {
      const message = `${quoted(name)} stands twice in one map`;
      found.push({ offset: key.range?.[0] ?? 0, message });
      if (found.length >= most) return;
    } else keys.add(name);
  }
}
