import assert from 'node:assert/strict';
import { userInfo } from 'node:os';
import { test } from 'node:test';
import { formatProblem } from '#spec/parse/problem.ts';
import { recordingContext } from '../testing.fixture.ts';
import { parseExpanded } from './parse-expanded.ts';

const { context } = recordingContext();

function parse(written: string): {
  readonly text: string;
  readonly problems: readonly string[];
  readonly names: readonly string[];
} {
  const cli = { ...context, env: { WHO: 'ann' } };
  const { text, parsed } = parseExpanded(cli, { written, file: 'a.yaml', fallbackName: 'a' });
  if ('problems' in parsed)
    return { text, problems: parsed.problems.map(formatProblem), names: [] };
  const { handlers } = parsed.specification;
  return {
    text,
    problems: [],
    names: handlers.flatMap((one) => one.environment.map((e) => e.value)),
  };
}

const rest = 'workloads:\n  - {name: echo, intercepts: [{handler: h}]}\n';

test('templates are expanded before the text is read as YAML', () => {
  const { names, problems } = parse(
    `handlers:\n  - name: h\n    environment:\n      - {name: A, value: {{ env "WHO" }}}\n      - name: B\n        value: {{ .Telepresence.Username | quote }}\n${rest}`,
  );
  assert.deepEqual(problems, []);
  assert.deepEqual(names, ['ann', userInfo().username]);
});

test('what is wrong behind a template has its line in the file', () => {
  const { problems } = parse(
    `{{- /* one\ntwo */ -}}\n{{ range list "h" "i" }}\nhandlers:\n{{ break }}{{ end }}\n  - {name: h}\n  - {nam: i}\n${rest}`,
  );
  assert.match(problems[0] ?? '', /^a\.yaml:7:/);
});

test('a mistake in a template has its line and its words', () => {
  const { problems } = parse(`handlers:\n  - {name: h}\n  # {{ .Telepresence.User }}\n${rest}`);
  assert.deepEqual(problems, [
    'a.yaml:3:21: template: at <.Telepresence.User>: map has no entry for key "User"',
  ]);
});
