import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { specificationLimits } from './budget.ts';
import { expandTemplate } from './expand-template.ts';
import type { Expansion, TemplateOptions } from './expand-template.ts';

const options: TemplateOptions = {
  data: { Telepresence: { Username: 'jane' } },
  environment: new Map([['SECRET', 's3cret']]),
  clock: { now: () => 1_700_000_000_000 },
  random: (count) => new Uint8Array(count).fill(7),
  trusted: true,
  zone: 'UTC',
};

const expand = (text: string, other: Partial<TemplateOptions> = {}): Expansion =>
  expandTemplate(text, { ...options, ...other });

function message(text: string, other: Partial<TemplateOptions> = {}): string {
  const made = expand(text, other);
  return made.kind === 'failed' ? made.message : `expanded: ${made.text}`;
}

test('a text without braces is returned as it is, with its own lines', () => {
  const text = 'name: a\r\n# {not} {%one%}\n\ufeffé\n';
  assert.deepEqual(expand(text), { kind: 'expanded', text, lines: [1, 2, 3, 4] });
});

test('each line of the expanded text knows its line in the file', () => {
  const file = [
    'name: a', // 1
    '{{- if true }}', // 2
    'b: 1', // 3
    '{{- end }}', // 4
    '{{ range list 1 2 }}', // 5
    '- {{ . }}', // 6
    '{{- end }}', // 7
    'run: {{ "x\\ny" | quote }}', // 8
    'text: |{{ nindent 2 "p\\nq" }}', // 9
    'last', // 10
  ].join('\n');
  const made = expand(file);
  assert.equal(made.kind, 'expanded');
  if (made.kind !== 'expanded') return;
  const numbered = made.text.split('\n').map((line, i) => `${made.lines[i]}: ${line}`);
  assert.deepEqual(numbered, [
    '1: name: a',
    '3: b: 1',
    '5: ',
    '6: - 1',
    '6: - 2',
    '8: run: "x\\ny"',
    '9: text: |',
    '9:   p',
    '9:   q',
    '10: last',
  ]);
});

test('there is a line of the file for each line of the text, whatever is expanded', () => {
  const piece = fc.constantFrom(
    'a',
    '\n',
    '{{ "x\\ny" }}',
    '{{- "z" -}}',
    ' {{/* c */}}',
    '{{ if true }}\n{{ end }}',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const file = pieces.join('');
      const made = expand(file);
      assert.equal(made.kind, 'expanded');
      if (made.kind !== 'expanded') return;
      assert.equal(made.lines.length, made.text.split('\n').length);
      const last = file.split('\n').length;
      assert.ok(made.lines.every((line) => line >= 1 && line <= last));
    }),
  );
});

test('errors have their line and column', () => {
  assert.deepEqual(expand('a: 1\nb: {{ .Telepresence.Usernam }}\n'), {
    kind: 'failed',
    line: 2,
    column: 20,
    message: 'map has no entry for key "Usernam"',
    at: '.Telepresence.Usernam',
  });
  assert.deepEqual(expand('a: 1\nb: {{ .Telepresence\n'), {
    kind: 'failed',
    line: 2,
    column: 4,
    message: 'unclosed action',
    at: undefined,
  });
});

test('noise is text, or an error, and never anything else', () => {
  const word = fc.constantFrom(
    '{{',
    '}}',
    ' ',
    '\n',
    '(',
    ')',
    '|',
    '$x',
    ':=',
    '=',
    '.',
    '.a',
    '"s"',
    '`',
    "'a'",
    '1',
    '-',
    'if',
    'else',
    'end',
    'range',
    'with',
    'define',
    'template',
    'block',
    'break',
    'nil',
    'true',
    'print',
    'dict',
    'list',
    'index',
    'printf',
    '"%d%[2]*.[1]*v"',
    '/*',
    '*/',
    ',',
    'é',
    '0x',
    'now',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(word, fc.string({ maxLength: 3 })), { maxLength: 30 }),
      (words) => {
        assert.match(expand(words.join('')).kind, /^(expanded|failed)$/);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what comes from a cluster does not read this machine', () => {
  assert.equal(message('{{ env "SECRET" }}'), 'expanded: s3cret');
  for (const name of ['env', 'expandenv']) {
    assert.match(
      message(`{{ ${name} "$SECRET" }}`, { trusted: false }),
      new RegExp(
        `error calling ${name}: ${name} is not available in a specification that comes from the cluster`,
      ),
    );
  }
  assert.equal(message('{{ .Telepresence.Username }}', { trusted: false }), 'expanded: jane');
});

test('functions that are left out say so, and those of Helm where they are from', () => {
  for (const name of [
    'genCA "a" 1',
    'htpasswd "a" "b"',
    'bcrypt "a"',
    'getHostByName "a"',
    'genPrivateKey "rsa"',
  ]) {
    const word = name.split(' ')[0];
    assert.match(
      message(`{{ ${name} }}`),
      new RegExp(`error calling ${word}: ${word} is not supported in a specification`),
    );
  }
  assert.equal(
    message('{{ toYaml . }}'),
    'function "toYaml" not defined (it is one of Helm, and not of Sprig)',
  );
  assert.match(message('{{ call .Telepresence }}'), /non-function/);
});

test('the data of a specification cannot be changed', () => {
  assert.match(message('{{ set . "a" 1 }}'), /cannot be changed/);
  assert.match(message('{{ merge .Telepresence (dict "a" 1) }}'), /cannot be changed/);
  assert.equal(message('{{ (set (deepCopy .) "a" 1).a }}'), 'expanded: 1');
});

test('names of JavaScript mean nothing', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.match(message(`{{ .${name} }}`), /map has no entry for key/);
    assert.match(message(`{{ (dict).${name} }}`), /expanded: <no value>/);
    if (name !== 'toString') assert.match(message(`{{ ${name} 1 }}`), /not defined/);
  }
});

const hostile: readonly (readonly [string, string])[] = [
  ['a string without end', '{{ repeat 1000000000 "x" }}'],
  [
    'strings that double',
    '{{ $x := "xxxxxxxx" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}',
  ],
  ['lists that double', '{{ $x := list 1 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}'],
  ['a range without end', '{{ range 1000000000000 }}{{ end }}'],
  ['ranges in ranges', '{{ range until 5000 }}{{ range until 5000 }}{{ end }}{{ end }}'],
  ['a list without end', '{{ until 1000000000 | len }}'],
  ['numbers without end', '{{ seq 1 1000000000 }}'],
  ['a template in itself', '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}'],
  [
    'templates that branch',
    '{{ define "a" }}{{ if lt . 60 }}{{ template "a" (add . 1) }}{{ template "a" (add . 1) }}{{ end }}{{ end }}{{ template "a" 1 }}',
  ],
  ['a value in itself', '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $d }}'],
  ['a value in itself as JSON', '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ toJson $d }}'],
  [
    'a value in itself, compared',
    '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ $e := dict "a" $d }}{{ deepEqual $d $e }}',
  ],
  ['a value in itself, copied', '{{ $d := dict }}{{ $_ := set $d "a" $d }}{{ deepCopy $d }}'],
  [
    'a value that is a tree of itself',
    '{{ $d := dict }}{{ range until 60 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ $d }}',
  ],
  ['a width', '{{ printf "%999999d" 1 | repeat 100 }}'],
  ['a width of arguments', '{{ range until 1000 }}{{ printf "%*d" 999999 1 }}{{ end }}'],
  ['an indentation', '{{ indent 100000000 "a" }}'],
  ['replaced nothings', '{{ $a := repeat 100000 "a" }}{{ replace "" $a $a }}'],
  ['a joined separator', '{{ join (repeat 100000 "a") (until 100000) }}'],
  ['random letters', '{{ randAlpha 1000000000 }}'],
  ['random bytes', '{{ randBytes 1000000000 }}'],
  [
    'an expression of many repetitions',
    '{{ mustRegexMatch "((((a{1,100}){1,100}){1,100}){1,100})" "a" }}',
  ],
  ['JSON that is deep', '{{ mustFromJson (repeat 100000 "[") }}'],
  ['deep JSON that is whole', '{{ fromJson (print (repeat 5000 "[") (repeat 5000 "]")) }}'],
  ['parentheses', `{{ ${'('.repeat(5000)}1${')'.repeat(5000)} }}`],
  ['ifs', `${'{{ if true }}'.repeat(5000)}${'{{ end }}'.repeat(5000)}`],
  ['else ifs', `{{ if false }}${'{{ else if false }}'.repeat(5000)}{{ end }}`],
  ['groups', '{{ mustRegexMatch (print (repeat 5000 "(") (repeat 5000 ")")) "a" }}'],
];

for (const [what, text] of hostile) {
  test(`bounded: ${what}`, () => {
    const begun = performance.now();
    const made = expand(text);
    assert.equal(made.kind, 'failed');
    if (made.kind === 'failed') {
      assert.match(
        made.message,
        /takes more than|makes more than|is longer than|deeper|depth|too large|too deeply|no JSON/,
      );
    }
    // Seconds where it is unbounded is for ever.
    assert.ok(performance.now() - begun < 20_000);
  });
}

test('a hostile regular expression is found out in linear time', () => {
  for (const pattern of ['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*a){12}$', '([a-zA-Z]+)*$']) {
    assert.equal(
      message(`{{ mustRegexMatch "^${pattern}" (print (repeat 200 "a") "!") }}`),
      'expanded: false',
    );
  }
});

test('limits are those that are given', () => {
  const limits = { ...specificationLimits, output: 10 };
  assert.equal(message('{{ "12345" }}12345', { limits }), 'expanded: 1234512345');
  assert.match(message('{{ "12345" }}123456', { limits }), /is longer than/);
});

test('randomness is what is handed in', () => {
  assert.equal(message('{{ uuidv4 }}'), 'expanded: 07070707-0707-4707-8707-070707070707');
  assert.equal(message('{{ randAlpha 3 }}'), message('{{ randAlpha 3 }}'));
  const counting = (() => {
    let next = 0;
    return (count: number) => Uint8Array.from({ length: count }, () => next++ % 256);
  })();
  const drawn = message('{{ randAlphaNum 200 }}', { random: counting });
  assert.ok(new Set(drawn).size > 20);
  assert.match(message('{{ shuffle "abc" }}'), /^expanded: [abc]{3}$/);
});

test('ago counts from the clock that is handed in', () => {
  assert.equal(message('{{ ago 1699999905 }}'), 'expanded: 1m35s');
  assert.equal(message('{{ now | date "2006-01-02 15:04" }}'), 'expanded: 2023-11-14 22:13');
});
