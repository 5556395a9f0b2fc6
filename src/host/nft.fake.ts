import type { RuleTable } from './nft.ts';
import type { ElementChange } from './nft-text.ts';

/** A table that remembers what it was told. */
export interface FakeRuleTable extends RuleTable {
  readonly bodies: string[];
  readonly changes: ElementChange[];
  /** What its sets hold: `SET ELEMENT`. */
  elements(): ReadonlySet<string>;
  closed(): boolean;
}

/** A rule table without a kernel. */
export function createFakeRuleTable(): FakeRuleTable {
  const bodies: string[] = [];
  const changes: ElementChange[] = [];
  const elements = new Set<string>();
  const gone = Promise.withResolvers<string>();
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    gone.resolve('');
  };
  return {
    bodies,
    changes,
    elements: () => elements,
    closed: () => closed,
    async replace(body, signal) {
      signal.throwIfAborted();
      bodies.push(body);
      elements.clear();
    },
    async update(more, signal) {
      signal.throwIfAborted();
      changes.push(...more);
      for (const { kind, set, element } of more) {
        if (kind === 'delete') elements.delete(`${set} ${element}`);
        else elements.add(`${set} ${element}`);
      }
    },
    gone: gone.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}
