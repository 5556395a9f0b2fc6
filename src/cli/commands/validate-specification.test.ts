import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from '../run.ts';
import { recordingContext } from '../testing.fixture.ts';

const valid = `workloads:
  - name: echo
    intercepts: [{handler: echo}, {handler: echo, enabled: false}]
handlers: [{name: echo}]
`;

/** What `intercept validate` says of a text, as a file and through a pipe. */
async function validate(text: string, ...flags: readonly string[]) {
  const recorded = recordingContext();
  const context = { ...recorded.context, readInput: async () => await Promise.resolve(text) };
  const code = await runCli(context, ['intercept', 'validate', '-', ...flags]);
  return { code, lines: recorded.lines };
}

test('what is valid', async () => {
  assert.deepEqual(await validate(valid), {
    code: 0,
    lines: [
      '<stdin>: Intercept spec "stdin" is valid: 1 workload, 2 intercepts (1 left out), 1 handler.',
    ],
  });
});

test('what is valid, but what run does not heed yet', async () => {
  const { code, lines } = await validate(valid.replace('r: echo}', 'r: echo, plaintext: true}'));
  assert.equal(code, 0);
  assert.deepEqual(lines.slice(0, 2), [
    '! telepresence intercept validate: warning: <stdin>:3:45: workloads[0].intercepts[0].plaintext: run would refuse it: requests cannot be told apart yet',
    '! leave it out',
  ]);
});

test('valid, but no run could do it', async () => {
  const { code, lines } = await validate(`workloads:
  - name: echo
    intercepts: [{handler: a}, {handler: b, name: other}]
handlers:
  - {name: a, script: {run: make}}
  - {name: b, docker: {image: echo}}
`);
  assert.equal(code, 0);
  assert.deepEqual(lines.slice(0, 2), [
    '! telepresence intercept validate: warning: <stdin>: run would refuse it: handler b runs in a container, and a on this machine itself: one connection serves one of the two',
    '! make both docker handlers, or write a specification for each',
  ]);
});

test('every mistake is a line that editors can jump to, and the exit code is 1', async () => {
  const { code, lines } = await validate(valid.replaceAll('handler: echo', 'handler: ecko'));
  assert.equal(code, 1);
  assert.deepEqual(lines, [
    '<stdin>:3:28: workloads[0].intercepts[0].handler: must reference an existing handler name: there is no "ecko" (did you mean echo?); allowed: echo',
    '<stdin>:3:45: workloads[0].intercepts[1].handler: must reference an existing handler name: there is no "ecko" (did you mean echo?); allowed: echo',
    '<stdin>: 2 mistakes.',
  ]);
});

test('for programs: the file, its name, or the mistakes', async () => {
  const good = await validate(valid, '--output', 'json');
  assert.deepEqual(JSON.parse(good.lines.join('\n')), {
    cmd: 'validate',
    stdout: { file: '<stdin>', name: 'stdin', valid: true },
  });
  const bad = await validate('a: 1', '--format', 'json');
  assert.equal(bad.code, 1);
  const { problems } = JSON.parse(bad.lines.join('\n'));
  assert.deepEqual(problems[0], {
    file: '<stdin>',
    line: 1,
    column: 1,
    field: 'a',
    message: 'is no field',
    allowed: 'workloads, handlers, name, connection, connections, prerequisites',
  });
});

test('a subcommand that is nearly one', async () => {
  const { context, lines } = recordingContext();
  assert.equal(await runCli(context, ['intercept', 'vaildate', 'a.yaml']), 1);
  assert.equal(await runCli(context, ['intercept']), 1);
  assert.deepEqual(lines, [
    '! telepresence intercept: error: unexpected argument "a.yaml"',
    '! did you mean: telepresence intercept validate',
    '! telepresence intercept: error: NAME is missing',
    '! see: telepresence intercept --help',
  ]);
});

test('a file is called as it was typed; one that is not there is said so', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'validate-'));
  await writeFile(join(directory.path, 'a.spec.yaml'), valid);
  const { context, lines } = recordingContext();
  const here = { ...context, cwd: directory.path };
  assert.equal(await runCli(here, ['intercept', 'validate', 'a.spec.yaml']), 0);
  assert.equal(await runCli(here, ['intercept', 'validate', 'b.yaml']), 1);
  assert.equal(await runCli(here, ['intercept', 'validate', '.']), 1);
  assert.equal(await runCli(here, ['intercept', 'validate']), 1);
  const hint =
    '! it is: telepresence intercept validate FILE, where FILE is an Intercept Specification, or - for standard input';
  assert.deepEqual(lines, [
    'a.spec.yaml: Intercept spec "a.spec" is valid: 1 workload, 2 intercepts (1 left out), 1 handler.',
    '! telepresence intercept validate: error: b.yaml: there is no such file',
    hint,
    '! telepresence intercept validate: error: .: that is a directory, and not a file',
    hint,
    '! telepresence intercept validate: error: FILE is missing',
    '! see: telepresence intercept validate --help',
  ]);
});
