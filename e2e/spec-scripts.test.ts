/** `telepresence intercept run` with scripts on the laptop, templates, and handlers that others run. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { specificationFiles, type SpecificationFiles } from './docker/specification-file.ts';
import { eventually } from './eventually.ts';
import { helloApp } from './hello-app.ts';
import { createNamespace } from './namespace.ts';
import { prepare, rollOut } from './prepare.ts';
import { apply, kubectl, onLaptop, telepresence } from './run.ts';
import { startTelepresence } from './under-way.ts';

const namespace = 'e2e-spec-scripts';
const port = 18_080;
const resources = new AsyncDisposableStack();
let files: SpecificationFiles;

before(async () => {
  await prepare();
  resources.use(await createNamespace(namespace));
  files = resources.use(await specificationFiles());
  await apply(helloApp({ namespace, name: 'hello' }));
  await kubectl('set', 'env', '-n', namespace, 'deployment/hello', 'OF_POD=pod', 'BOTH=pod');
  await rollOut(namespace);
  resources.defer(async () => void (await telepresence(['quit', '-s'], { mayFail: true })));
  await telepresence(['connect', '--namespace', namespace]);
});
after(async () => await resources.disposeAsync());

const server = `require("node:http")
          .createServer((_, response) => response.end(process.env.ANSWER + "\\n"))
          .listen(${String(port)}, "127.0.0.1", () => console.log("serving"))`;

const spec = `connection: {namespace: ${namespace}}
prerequisites:
  - {create: make, delete: tidy}
workloads:
  - name: hello
    intercepts:
      - {handler: serve, port: 80, localPort: ${String(port)}}
handlers:
  - name: make
    script: {run: echo made > made.txt, shell: sh}
  - name: tidy
    script: {run: rm made.txt, shell: sh}
  - name: serve
    environment:
      - {name: BOTH, value: {{ "spec" | quote }}}
      - {name: ANSWER, value: {{ printf "from %s" (env "WORD") | quote }}}
    script:
      shell: bash
      run: |
        cat made.txt
        echo "$OF_POD $BOTH {{ .Telepresence.Username }} $$"
        ${process.execPath} -e '${server}' &
        wait
`;

const ask = async (): Promise<string> => {
  const url = `http://hello.${namespace}`;
  return (await onLaptop(['curl', '-sS', '--max-time', '5', url], { mayFail: true })).stdout;
};
const isThere = async (name: string): Promise<boolean> =>
  await stat(join(files.directory, name)).then(
    () => true,
    () => false,
  );
const env = { WORD: 'a script' };

async function nothingIsLeft(): Promise<void> {
  await eventually('nothing is left', 20_000, async () => {
    assert.ok(!(await isThere('made.txt')));
    assert.match(await ask(), /^app hello-/);
    const { stdout } = await onLaptop(['sh', '-c', `ss -Hltn 'sport = :${String(port)}'`]);
    assert.equal(stdout, '');
    assert.match((await telepresence(['list'])).stdout, /hello *: ready to intercept/);
  });
}

test('a script answers with its environment, from its directory, until Ctrl-C ends the whole tree', async () => {
  const path = await files.write('scripts.yaml', spec);
  const command = await startTelepresence(['intercept', 'run', path], { env });
  await command.prints(/serve +\| serving\n/);
  assert.equal(await ask(), 'from a script\n');
  await command.interrupt();
  const { status, stdout } = await command.ended;
  assert.equal(status, 0);
  assert.match(stdout, /serve +\| made\n/);
  assert.match(stdout, /serve +\| pod spec \w+ \d+\n/);
  await nothingIsLeft();
});

test('killed, the script and all that it has started end, and the prerequisite is undone', async () => {
  const path = await files.write('scripts.yaml', spec);
  const command = await startTelepresence(['intercept', 'run', path], { env });
  await command.prints(/serve +\| serving\n/);
  assert.ok(await isThere('made.txt'));
  await command.kill('SIGKILL');
  await command.ended;
  await nothingIsLeft();
});

test('a script that fails gives its exit code; one that cannot be read is missed before anything', async () => {
  const failing = spec.replace(/cat made\.txt[^]*/, 'exit 5\n');
  const path = await files.write('failing.yaml', failing);
  const { status } = await telepresence(['intercept', 'run', path], { mayFail: true, env });
  assert.equal(status, 5);
  await nothingIsLeft();
  const own = await files.write('own.yaml', failing.replace('      shell: bash\n', ''));
  const missed = await telepresence(['intercept', 'run', own], {
    mayFail: true,
    env: { ...env, SHELL: '/nowhere/fish' },
  });
  assert.match(missed.stderr, /serve is a script for \/nowhere\/fish, and there is none/);
  assert.equal(missed.status, 1);
  assert.ok(!(await isThere('made.txt')));
});

test('a mistake in a template has its line, for run and for validate', async () => {
  const path = await files.write(
    'mistake.yaml',
    spec.replace('.Telepresence.Username', '.Telepresence.User'),
  );
  for (const word of ['run', 'validate']) {
    const { status, stdout, stderr } = await telepresence(['intercept', word, path], {
      mayFail: true,
      env,
    });
    assert.equal(status, 1);
    const line = spec.split('\n').findIndex((text) => text.includes('.Telepresence')) + 1;
    assert.match(
      stdout + stderr,
      new RegExp(`mistake\\.yaml:${String(line)}:\\d+: template: .*no entry for key "User"`),
    );
  }
});

test('who runs the handler himself is told in a file that is his alone, and goes at the end', async () => {
  const external = `connection: {namespace: ${namespace}}
workloads:
  - {name: hello, intercepts: [{handler: ide, port: 80, localPort: ${String(port)}}]}
handlers:
  - name: ide
    environment: [{name: OWN, value: own}]
    external: {outputFormat: json, outputPath: out.json}
`;
  const path = await files.write('external.yaml', external);
  const command = await startTelepresence(['intercept', 'run', path]);
  await command.prints(/started successfully/);
  const out = join(files.directory, 'out.json');
  assert.equal((await stat(out)).mode & 0o777, 0o600);
  const document: unknown = JSON.parse(await readFile(out, 'utf8'));
  assert.partialDeepStrictEqual(document, {
    name: 'ide',
    environment: { OWN: 'own' },
    intercepts: [
      { name: 'hello', disposition: 'ACTIVE', target_port: port, environment: { OF_POD: 'pod' } },
    ],
  });
  await command.interrupt();
  assert.equal((await command.ended).status, 0);
  assert.ok(!(await isThere('out.json')));

  const stdoutPath = await files.write('stdout.yaml', external.replace('out.json', 'stdout'));
  const printing = await startTelepresence(['intercept', 'run', stdoutPath]);
  await printing.prints(/^\{.*"disposition":"ACTIVE".*\}$/m);
  await printing.interrupt();
  await printing.ended;
});
