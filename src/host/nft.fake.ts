import type { RuleTable } from './nft.ts';
import type { ElementChange } from './nft-text.ts';

/** A table that remembers what it was told. */
export interface FakeRuleTable extends RuleTable {
  readonly bodies: string[];
  readonly changes: ElementChange[];
  closed(): boolean;
}

/** A rule table without a kernel. */
export function createFakeRuleTable(): FakeRuleTable {
  const bodies: string[] = [];
  const changes: ElementChange[] = [];
  const gone = Promise.withResolvers<string>();
  let closed = false;
  const close = async (): Promise<void> => {
    closed = true;
    gone.resolve('');
  };
  return {
    bodies,
    changes,
    closed: () => closed,
    async replace(body) {
      bodies.push(body);
    },
    async update(more) {
      changes.push(...more);
    },
    gone: gone.promise,
    close,
    [Symbol.asyncDispose]: close,
  };
}
