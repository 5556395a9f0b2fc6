import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { envText } from './env-syntax.ts';

const awkward = { A: 'it\'s $HOME `x` "q" \\ !', B: 'two\nlines', C: '', 'not-a-name': 'x' };

test('a shell reads back what was written, whatever it is', () => {
  const value = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(value, (typed) => {
      // A lone half of a pair is not text that a file can hold.
      fc.pre(typed.isWellFormed());
      const { text, left } = envText('sh:export', { VALUE: typed });
      assert.deepEqual(left, []);
      const script = `${text}printf '%s.' "$VALUE"`;
      assert.equal(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), `${typed}.`);
    }),
    { numRuns: 25 },
  );
});

test('each syntax quotes in its own way, and names what it cannot say', () => {
  const lines = (syntax: Parameters<typeof envText>[0]) => envText(syntax, awkward);
  assert.deepEqual(lines('sh').left, ['not-a-name']);
  assert.match(lines('sh').text, /^A='it'\\''s \$HOME `x` "q" \\ !'$/m);
  assert.match(lines('csh:export').text, /^setenv A 'it'\\''s .* \\!'$/m);
  assert.match(lines('csh').text, /^set B='two\\\nlines'$/m);
  assert.match(lines('ps:export').text, /^\$Env:A='it''s \$HOME `x` "q" \\ !'$/m);
  assert.match(lines('compose').text, /^A="it's \$\$HOME `x` \\"q\\" \\\\ !"$/m);
  assert.match(lines('compose').text, /^B='two\nlines'$/m);
  assert.deepEqual(lines('cmd').left, ['A', 'B', 'not-a-name']);
  assert.equal(envText('cmd', { P: '50%' }).text, 'set "P=50%%"\n');
  assert.deepEqual(lines('docker').left, ['B']);
});
