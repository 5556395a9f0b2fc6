import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionScript } from './completion-script.ts';

// There is no powershell to run it: what can be read without one.
test('powershell: every bracket and quote is closed, and it asks as the other shells do', () => {
  const script = completionScript('powershell') ?? '';
  const code = script
    .replaceAll(/^\s*#.*$/gm, '')
    // In its single quotes a quote is two of them; in its double quotes a backtick escapes.
    .replaceAll(/'(?:[^']|'')*'/g, 'S')
    .replaceAll(/"(?:[^"`]|`.)*"/g, 'S');
  assert.doesNotMatch(code, /['"]/);
  const open: string[] = [];
  const pairs = new Map([
    [')', '('],
    ['}', '{'],
    [']', '['],
  ]);
  for (const character of code) {
    if ('({['.includes(character)) open.push(character);
    const wanted = pairs.get(character);
    if (wanted !== undefined) assert.equal(open.pop(), wanted);
  }
  assert.deepEqual(open, []);
  assert.match(
    script,
    /^Register-ArgumentCompleter -Native -CommandName telepresence -ScriptBlock \{$/m,
  );
  // -Native calls its block with the last word, the line as parsed, and where the cursor is.
  assert.match(script, /param\(\$last, \$ast, \$position\)/);
  assert.match(script, /@\('__complete', '--'\) \+ \$before/);
});

test('a shell that we do not know has none', () => {
  assert.equal(completionScript('tcsh'), undefined);
});
