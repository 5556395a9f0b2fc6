import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCmd, readPowerShell } from './env-readers.fixture.ts';
import { envSyntaxes, envText, jsonEnvFile, type EnvSyntax } from './env-syntax.ts';

const awkward = { A: 'it\'s $HOME `x` "q" \\ !', B: 'two\nlines', C: '', 'not-a-name': 'x' };

const names = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/),
  fc.stringMatching(/^[ -<>-~]{1,12}$/),
  fc.constantFrom('HOME', 'Path', 'PATH', 'UID', '#x', '__proto__', 'true'),
);
/** Text that a file can hold: a lone half of a pair is none. */
const values = fc
  .oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('"', "'", '\u2019', '\\', '%', '!', '^', '&', '|', '<', '(', ')', ' '),
    }),
    fc.constantFrom('a\nb=c\n', '\r\n', '\ttab ', '$(x) `y` $z %PATH% !PATH! #', '\u{1F600} é'),
  )
  .filter((text) => text.isWellFormed());
const environments = fc.dictionary(names, values);

const lines = (syntax: EnvSyntax, environment: Readonly<Record<string, string>>) =>
  envText(syntax, environment);

function kept(environment: Record<string, string>, left: readonly string[]): object {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !left.includes(name)));
}

test('a shell reads back what was written, whatever it is', () => {
  const value = values.filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(value, (typed) => {
      const { text, left } = envText('sh:export', { VALUE: typed });
      assert.deepEqual(left, []);
      const script = `${text}printf '%s.' "$VALUE"`;
      assert.equal(execFileSync('sh', ['-c', script], { encoding: 'utf8' }), `${typed}.`);
    }),
    { numRuns: 25 },
  );
});

for (const syntax of ['ps', 'ps:export'] as const) {
  test(`${syntax}: what PowerShell reads is what was written`, () => {
    fc.assert(
      fc.property(environments, (environment) => {
        const { text, left } = envText(syntax, environment);
        assert.deepEqual({ ...readPowerShell(text) }, kept(environment, left));
        assert.equal(text.startsWith('\uFEFF'), Buffer.byteLength(text) !== text.length);
      }),
      { numRuns: 500 },
    );
  });
}

test('cmd: what it reads is what was written', () => {
  fc.assert(
    fc.property(environments, (environment) => {
      const { text, left } = envText('cmd', environment);
      assert.deepEqual({ ...readCmd(text) }, kept(environment, left));
    }),
    { numRuns: 500 },
  );
  const environment = { JSON: '{"a":"b & c","d":[1]}', P: '50%', EMPTY: '', BLANKS: '  x ' };
  const { text, left } = envText('cmd', environment);
  assert.deepEqual(left, []);
  assert.deepEqual(readCmd(text), environment);
  assert.match(text, /^@set "P=50%%"\r\n$/m);
});

test('each syntax quotes in its own way, and names what it cannot say', () => {
  assert.deepEqual(lines('sh', awkward).left, ['not-a-name']);
  assert.match(lines('sh', awkward).text, /^A='it'\\''s \$HOME `x` "q" \\ !'$/m);
  assert.match(lines('csh:export', awkward).text, /^setenv A 'it'\\''s .* \\!'$/m);
  assert.match(lines('csh', awkward).text, /^set B='two\\\nlines'$/m);
  assert.match(lines('ps:export', awkward).text, /^\$Env:A='it''s \$HOME `x` "q" \\ !'$/m);
  assert.match(lines('compose', awkward).text, /^A="it's \$\$HOME `x` \\"q\\" \\\\ !"$/m);
  assert.match(lines('compose', awkward).text, /^B='two\nlines'$/m);
  assert.deepEqual(lines('cmd', awkward).left, ['B', 'not-a-name']);
  assert.deepEqual(lines('docker', awkward).left, ['B']);
  // What is read-only there, and what is one name there.
  assert.deepEqual(lines('ps', { HOME: '/', host: 'x', OTHER: '' }).left, ['HOME', 'host']);
  assert.deepEqual(lines('ps:export', { HOME: '/', Path: 'b', PATH: 'a' }).left, ['Path']);
  assert.deepEqual(lines('cmd', { Path: 'b\n', path: 'a' }).left, ['Path']);
});

test('a line that its reader would not take is left out', () => {
  const large = 'x'.repeat(100 * 1024);
  const left = Object.fromEntries(
    envSyntaxes.map((syntax) => [syntax, envText(syntax, { LARGE: large }).left.length]),
  );
  const none = { compose: 0, sh: 0, 'sh:export': 0, csh: 0, 'csh:export': 0 };
  assert.deepEqual(left, { docker: 1, ...none, cmd: 1, ps: 0, 'ps:export': 0 });
  const fits = (syntax: EnvSyntax, value: string): boolean =>
    envText(syntax, { A: value }).left.length === 0;
  assert.ok(fits('docker', 'x'.repeat(65_533)));
  assert.ok(!fits('docker', 'x'.repeat(65_534)));
  assert.ok(!fits('docker', 'é'.repeat(32_768)));
  assert.ok(fits('cmd', 'x'.repeat(8000)));
  assert.ok(!fits('cmd', '%'.repeat(5000)));
});

test('whatever the environment is, a syntax holds a name or leaves it out', () => {
  const any = fc.dictionary(fc.string(), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.constantFrom(...envSyntaxes), any, (syntax, environment) => {
      const { text, left } = envText(syntax, environment);
      assert.ok(!text.includes('\0'));
      for (const name of left) assert.ok(Object.hasOwn(environment, name));
    }),
  );
});

test('JSON holds everything, line breaks too', () => {
  const environment = { B: 'x\ny', A: '"q"', __proto__x: '' };
  assert.deepEqual(JSON.parse(jsonEnvFile(environment)), environment);
  assert.match(jsonEnvFile(environment), /^\{\n {2}"A"/);
});
