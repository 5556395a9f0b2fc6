/** `telepresence intercept validate`: a file with what people mistype, mended by what it is told. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { specificationFiles, type SpecificationFiles } from './docker/specification-file.ts';
import { prepare } from './prepare.ts';
import { telepresence } from './run.ts';

const resources = new AsyncDisposableStack();
let files: SpecificationFiles;

before(async () => {
  files = resources.use(await specificationFiles());
  await prepare();
});
after(async () => await resources.disposeAsync());

const mistyped = `connections:
  namespace: default
workloads:
  - name: echo-easy
    intercepts:
      - handler: ecko
        port: 80:http
        localport: 8080
handlers:
  - name: echo
    image: jmalloc/echo-server
    environment:
      - name: PORT
        value: 8080
      - name: WHO
        value: {{ .Telepresence.Username | quote }}
`;

/** The mistakes in the order of their lines, and what somebody does about each. */
const mending: readonly (readonly [said: RegExp, wrong: string, right: string])[] = [
  [/^:1:1: connections: is a map; allowed: a list, /, 'connections:', 'connection:'],
  [/^:6:18: .*handler: .* existing handler name.*did you mean echo\?/, 'ecko', 'echo'],
  [/^:7:15: .*port: is the text "80:http"; /, '80:http', 'http'],
  [/^:8:9: .*localport: is spelled localPort; /, 'localport', 'localPort'],
  [
    /^:11:5: handlers\[0\]\.image: is no field here: it belongs in docker; /,
    'image: jmalloc/echo-server',
    'docker: {image: jmalloc/echo-server}',
  ],
  [
    /^:14:16: .*environment\[0\]\.value: is the number 8080; .* in quotes: "8080"/,
    ' 8080\n ',
    ' "8080"\n ',
  ],
];

test('each mistake is told, and the file is valid when all of them are mended', async () => {
  const { stdout: before } = await telepresence(['status'], { mayFail: true });
  let text = mistyped;
  for (const [at] of mending.entries()) {
    const path = await files.write('echo.spec.yaml', text);
    const { status, stdout, stderr } = await telepresence(['intercept', 'validate', path], {
      mayFail: true,
    });
    assert.equal(status, 1);
    assert.equal(stderr, '');
    const lines = stdout.trimEnd().split('\n');
    const left = mending.slice(at);
    assert.equal(lines.length, left.length + 1, stdout);
    for (const [index, [said]] of left.entries()) {
      assert.match((lines[index] ?? '').slice(path.length), said);
    }
    assert.equal(lines.at(-1), `${path}: ${left.length} mistake${left.length === 1 ? '' : 's'}.`);
    const [, wrong = '', right = ''] = left[0] ?? [];
    text = text.replace(wrong, right);
  }
  const path = await files.write('echo.spec.yaml', text);
  const { stdout } = await telepresence(['intercept', 'validate', path]);
  assert.equal(
    stdout,
    `${path}: Intercept spec "echo.spec" is valid: 1 workload, 1 intercept, 1 handler.\n`,
  );
  // Nothing was started for it.
  assert.equal((await telepresence(['status'], { mayFail: true })).stdout, before);
});

test('through a pipe, for a program, as the custom resource', async () => {
  const resource = `apiVersion: getambassador.io/v1alpha4
kind: InterceptSpecification
metadata: {name: echo}
spec:
  workloads: [{name: echo-easy, intercepts: [{handler: nobody}]}]
  handlers: [{name: nobody}]
`;
  const args = ['intercept', 'validate', '-', '--format', 'json'];
  const good = await telepresence(args, { input: resource });
  assert.deepEqual(JSON.parse(good.stdout), { file: '<stdin>', name: 'echo', valid: true });
  const bad = await telepresence(args, {
    input: resource.replace('handler: nobody', 'handler: noboby'),
    mayFail: true,
  });
  assert.equal(bad.status, 1);
  const [problem] = JSON.parse(bad.stdout).problems;
  assert.equal(problem.line, 5);
  assert.equal(problem.field, 'spec.workloads[0].intercepts[0].handler');
});
