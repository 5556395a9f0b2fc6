import { type Document, isAlias, isMap, isNode, isScalar, isSeq } from 'yaml';
import type { Path } from './problem.ts';

/**
 * Where in the text the value at `path` begins, or its key. What is not written itself (a missing
 * field, one of a merged map) is where the thing begins that it belongs to.
 */
export function placeIn(document: Document.Parsed, path: Path, atKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [at, step] of path.entries()) {
    const wantsKey = atKey && at === path.length - 1;
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) break;
      const key = startOf(pair.key);
      node = pair.value;
      // A map or a list begins at its key, where people look for it.
      offset = (!wantsKey && isScalar(node) && node.source !== '' ? startOf(node) : key) ?? offset;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
