import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as v from 'valibot';
import { expandTemplate } from './expand-template.ts';
import type { Expansion } from './expand-template.ts';

/** What Go made of each line of golden/cases.txt (golden/generate). */
const goldenSchema = v.array(
  v.object({
    case: v.string(),
    out: v.optional(v.string()),
    error: v.optional(
      v.object({
        line: v.number(),
        column: v.optional(v.number()),
        at: v.optional(v.string()),
        message: v.string(),
      }),
    ),
  }),
);

const golden = v.parse(
  goldenSchema,
  JSON.parse(readFileSync(new URL('golden/golden.json', import.meta.url), 'utf8')),
);

/**
 * Where our answer is another one on purpose: Go's words would be of no help, or are about something
 * that a specification cannot have.
 */
const differences = new Map([
  ['{{ 1i }}x', 'complex numbers are not supported: "1i"'],
  ['{{ eq (list 1) (list 1) }}', 'error calling eq: non-comparable type []interface {}'],
  ['{{ eq (dict) (dict) }}', 'error calling eq: non-comparable type map[string]interface {}'],
  ['{{ len nil }}', 'error calling len: len of nil pointer'],
  [
    '{{ call 3 }}',
    'error calling call: non-function of type int: a specification has no functions to call',
  ],
  [
    '{{ if true }}⏎  {{ .Telepresence.Username.x }}⏎{{ end }}',
    "can't evaluate field x in type string",
  ],
]);

function expand(line: string): Expansion {
  const strict = line.startsWith('strict: ');
  const text = (strict ? line.slice(8) : line).replaceAll('⏎', '\n');
  return expandTemplate(text, {
    data: { Telepresence: { Username: 'jane' } },
    environment: new Map([
      ['USER', 'jane'],
      ['HOST', 'laptop.example'],
    ]),
    clock: { now: () => 1_700_000_000_123 },
    random: (count) => crypto.getRandomValues(new Uint8Array(count)),
    trusted: true,
    zone: 'UTC',
  });
}

test('every line of cases.txt has its answer of Go', () => {
  const cases = readFileSync(new URL('golden/cases.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '));
  assert.deepEqual(
    golden.map((one) => one.case),
    cases,
  );
});

for (const { case: line, out, error } of golden) {
  test(line, () => {
    const made = expand(line);
    const ours = differences.get(line);
    if (ours !== undefined) {
      assert.equal(made.kind === 'failed' ? made.message : made, ours);
      return;
    }
    if (error === undefined) {
      assert.deepEqual(made.kind === 'expanded' ? made.text : made, out);
    } else {
      assert.equal(made.kind, 'failed');
      if (made.kind !== 'failed') return;
      const { line, column, at, message } = made;
      assert.deepEqual(
        // Go has no columns where it parses.
        error.column === undefined ? { line, message } : { line, column, at, message },
        error,
      );
    }
  });
}
