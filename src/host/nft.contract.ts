import assert from 'node:assert/strict';
import type { RuleTable } from './nft.ts';

/** A table under test, and how to look at what it holds. */
export interface TableUnderTest {
  readonly table: RuleTable;
  /** The text of its rules, empty when it is gone. */
  readonly rules: () => string;
  /** Whether the set `open` holds 10.0.0.1 . 80. */
  readonly hasElement: () => boolean;
}

const signal = (): AbortSignal => AbortSignal.timeout(5000);
const body = (port: number): string => `
  set open { type ipv4_addr . inet_service; flags timeout; }
  chain out { type nat hook output priority -110
    ip daddr . tcp dport @open redirect to :${String(port)}
  }`;

/** What everyone who holds a rule table relies on; the fake and the kernel's both do it. */
export async function holdRuleTableContract({
  table,
  rules,
  hasElement,
}: TableUnderTest): Promise<void> {
  await table.replace(body(4000), signal());
  assert.match(rules(), /:4000/);
  const element = { set: 'open', element: '10.0.0.1 . 80' } as const;
  await table.update([{ kind: 'add', ...element }], signal());
  assert.equal(hasElement(), true);
  await table.update([{ kind: 'delete', ...element }], signal());
  assert.equal(hasElement(), false);
  await table.update([{ kind: 'add', ...element }], signal());
  await table.replace(body(4001), signal());
  assert.doesNotMatch(rules(), /:4000/, 'replaced as a whole');
  assert.equal(hasElement(), false, 'elements go with what held them');
  await assert.rejects(
    table.replace(body(4002), AbortSignal.abort(new Error('enough'))),
    /enough/,
    'nothing is begun for who has given up',
  );
  assert.match(rules(), /:4001/);
  await table.close();
  await table.close();
  assert.equal(rules(), '');
  await table.gone;
}
