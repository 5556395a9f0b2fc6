import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOfFile } from '../name-of-file.ts';
import type { Specification } from '../specification.ts';
import { parseSpecification } from './parse-specification.ts';
import { formatProblem } from './problem.ts';

const tail = `
handlers:
  - name: echo
    docker: {image: echo}
`;
const minimal = `
workloads:
  - name: echo
    intercepts: [{handler: echo}]${tail}`;

function parse(text: string, lineInFile?: (line: number) => number) {
  return parseSpecification({ text, file: 'spec.yaml', fallbackName: 'spec', lineInFile });
}

function specification(text: string): Specification {
  const parsed = parse(text);
  if ('problems' in parsed) assert.fail(parsed.problems.map(formatProblem).join('\n'));
  return parsed.specification;
}

function problems(text: string, lineInFile?: (line: number) => number): readonly string[] {
  const parsed = parse(text, lineInFile);
  return 'problems' in parsed ? parsed.problems.map(formatProblem) : [];
}

/** A specification with one intercept of these fields, written as JSON. */
const intercept = (fields: object): string =>
  `workloads: [{name: echo, intercepts: [${JSON.stringify({ handler: 'echo', ...fields })}]}]${tail}`;

/** As the fields are meant. */
const meant = (fields: object) => specification(intercept(fields)).workloads[0]?.intercepts[0];

const handlerOf = (text: string) =>
  specification(
    `workloads: [{name: a, intercepts: [{handler: h}]}]\nhandlers: [{name: h, ${text}}]`,
  ).handlers[0];

test('what is left out has the default that the documentation says', () => {
  assert.deepEqual(specification(minimal), {
    name: 'spec',
    connections: [
      {
        asGroups: [],
        mappedNamespaces: [],
        alsoProxy: [],
        neverProxy: [],
        allowConflictingSubnets: [],
        expose: [],
      },
    ],
    prerequisites: [],
    workloads: [
      {
        name: 'echo',
        connection: undefined,
        namespace: undefined,
        intercepts: [
          {
            name: 'echo',
            handler: 'echo',
            enabled: true,
            traffic: { kind: 'all' },
            service: undefined,
            port: undefined,
            localPort: undefined,
            localAddress: '127.0.0.1',
            plaintext: false,
            meta: [],
            mountPoint: undefined,
            replace: false,
            previewURL: undefined,
          },
        ],
      },
    ],
    handlers: [
      {
        name: 'echo',
        environment: [],
        stopGraceSeconds: undefined,
        kind: 'container',
        source: { kind: 'image', image: 'echo' },
        ports: [],
        options: [],
        command: undefined,
        args: [],
      },
    ],
  });
});

test('which traffic is meant', () => {
  const headers = [{ name: 'who', value: 'me' }];
  assert.deepEqual(meant({ global: true })?.traffic, { kind: 'all' });
  assert.deepEqual(meant({ headers })?.traffic, { kind: 'http', headers, path: undefined });
  assert.deepEqual(meant({ global: false })?.traffic, {
    kind: 'http',
    headers: 'auto',
    path: undefined,
  });
  for (const [field, match] of [
    ['pathPrefix', 'prefix'],
    ['pathEqual', 'equal'],
    ['pathRegexp', 'regexp'],
    ['pathSuffix', 'suffix'],
  ] as const) {
    const traffic = { kind: 'http', headers: [], path: { match, value: '/a' } };
    assert.deepEqual(meant({ [field]: '/a' })?.traffic, traffic);
  }
});

test('numbers that a template wrote as text are numbers', () => {
  const { port, localPort } = meant({ port: '80', localPort: '8080' }) ?? {};
  assert.deepEqual([port, localPort], [80, 8080]);
  assert.equal(meant({ port: 'http' })?.port, 'http');
  assert.deepEqual(problems(intercept({ port: '65536' })).length, 1);
});

test('a mount point: true, false, or where', () => {
  for (const [written, mountPoint] of [
    ['false', false],
    [false, false],
    ['true', true],
    [true, true],
    ['T:', 'T:'],
    ['/tmp/x', '/tmp/x'],
  ] as const) {
    assert.equal(meant({ mountPoint: written })?.mountPoint, mountPoint);
  }
});

test('a preview link: a word, or its parts; the banner also beside it', () => {
  const none = { enable: false, banner: true, extraHeaders: [] };
  assert.deepEqual(meant({ previewURL: false })?.previewURL, none);
  assert.equal(meant({ banner: false })?.previewURL, undefined);
  assert.equal(meant({ banner: true })?.previewURL, undefined);
  assert.deepEqual(meant({ previewURL: true, banner: false })?.previewURL, {
    enable: true,
    banner: false,
    extraHeaders: [],
  });
  const ingress = { host: 'in.default', port: 443 };
  assert.deepEqual(meant({ previewURL: { ingress } })?.previewURL, {
    enable: true,
    banner: true,
    ingress: { host: 'in.default', port: 443, tls: false, l5Host: 'in.default' },
    extraHeaders: [],
  });
});

test('an intercept is called as its workload, with the namespace that it says', () => {
  const text = `
workloads:
  - {name: a, namespace: x, intercepts: [{handler: echo}, {handler: echo, name: own}]}
  - {name: b, intercepts: [{handler: echo}]}${tail}`;
  const names = specification(text).workloads.flatMap(({ intercepts }) =>
    intercepts.map(({ name }) => name),
  );
  assert.deepEqual(names, ['a-x', 'own', 'b']);
});

test('the name of an intercept that is left out is free', () => {
  const text = `
workloads:
  - name: a
    intercepts: [{handler: echo, port: 1}, {handler: echo, port: 2, enabled: false}]${tail}`;
  assert.deepEqual(problems(text), []);
});

test('kinds of handlers', () => {
  const any = { name: 'h', environment: [], stopGraceSeconds: undefined };
  assert.deepEqual(handlerOf('script: {run: make, shell: sh}'), {
    ...any,
    kind: 'script',
    run: 'make',
    shell: 'sh',
  });
  assert.deepEqual(handlerOf('external: {}'), {
    ...any,
    kind: 'external',
    isDocker: false,
    outputFormat: 'json',
    outputPath: 'stdout',
  });
  assert.deepEqual(handlerOf('stopGracePeriod: 3'), { ...any, stopGraceSeconds: 3, kind: 'none' });
  const docker =
    'docker: {build: {context: ., args: [--pull]}, command: run, args: [a], ports: [1]}';
  assert.deepEqual(handlerOf(docker), {
    ...any,
    kind: 'container',
    source: { kind: 'build', context: '.', args: ['--pull'] },
    ports: [1],
    options: [],
    command: 'run',
    args: ['a'],
  });
  const services =
    '[{name: a}, {name: b, behavior: remote, mapping: {name: c}}, {name: d, behavior: interceptHandler, intercepts: [a]}]';
  assert.deepEqual(handlerOf(`docker: {compose: {context: x, services: ${services}}}`), {
    ...any,
    kind: 'compose',
    compose: {
      context: 'x',
      spec: undefined,
      services: [
        { name: 'a', behavior: 'local' },
        { name: 'b', behavior: 'remote', mapping: { name: 'c' } },
        { name: 'd', behavior: 'interceptHandler', intercepts: ['a'] },
      ],
    },
    ports: [],
    options: [],
    args: [],
  });
});

test('connections: one, several, and the workloads of each', () => {
  const [one] = specification(`connection: {expose: "8080:80", asUID: "7"}${minimal}`).connections;
  assert.deepEqual(one?.expose, ['8080:80']);
  const named = specification(
    `connection: {name: a, expose: [80, "81:81/udp"]}
workloads:
  - {name: a/echo, intercepts: [{handler: echo}]}
  - {name: web, intercepts: [{handler: echo}]}${tail}`.replace('[80,', '["80",'),
  );
  assert.deepEqual(
    named.workloads.map(({ name, connection }) => [name, connection]),
    [
      ['echo', 'a'],
      ['web', 'a'],
    ],
  );
  const two = specification(`connections: [{name: a, namespace: x}, {name: b}]
workloads:
  - {name: a/echo, intercepts: [{handler: echo}]}
  - {name: b/echo, intercepts: [{handler: echo}]}${tail}`);
  assert.deepEqual(
    two.workloads.map(({ name, connection }) => [name, connection]),
    [
      ['echo', 'a'],
      ['echo', 'b'],
    ],
  );
});

test('with several connections, a handler need not be here', () => {
  const text = (handler: string): string => `connections: [{name: a}, {name: b}]
workloads: [{name: a/echo, intercepts: [{handler: h}]}]
handlers: [{name: h, ${handler}}]`;
  assert.deepEqual(problems(text('external: {isDocker: true}')), []);
  assert.deepEqual(problems(text('stopGracePeriod: 1')), []);
  assert.equal(problems(text('external: {}')).length, 1);
});

test('the custom resource is the document under spec', () => {
  const text = `apiVersion: getambassador.io/v1alpha4
kind: InterceptSpecification
metadata: {name: of-resource, namespace: x}
spec:
  workloads: [{name: echo, intercepts: [{handler: echo}]}]
  handlers: [{name: echo}]
---
`;
  assert.equal(specification(text).name, 'of-resource');
  const parsed = parse(text);
  const problem = 'problems' in parsed ? undefined : parsed.problemAt(['handlers', 0], 'x', 'y');
  assert.equal(
    problem && formatProblem(problem),
    'spec.yaml:6:14: spec.handlers[0]: x; allowed: y',
  );
});

test('JSON, indented by tabs, with the byte order mark of Windows', () => {
  const value = {
    workloads: [{ name: 'echo', intercepts: [{ handler: 'echo' }] }],
    handlers: [{ name: 'echo' }],
  };
  const text = `\uFEFF${JSON.stringify(value, undefined, '\t').replaceAll('\n', '\r\n')}\r\n`;
  assert.equal(specification(text).handlers[0]?.kind, 'none');
});

test('anchors, aliases and merged maps', () => {
  const text = `
workloads:
  - name: echo
    intercepts:
      - &one {handler: echo, localPort: 8080}
      - {<<: *one, name: other, port: 0}${tail}`;
  assert.deepEqual(problems(text), [
    "spec.yaml:6:39: workloads[0].intercepts[1].port: is the number 0; allowed: a whole number from 1 to 65535, or the name of a Service's port",
  ]);
  assert.equal(
    specification(text.replace('port: 0', 'port: 1')).workloads[0]?.intercepts[1]?.localPort,
    8080,
  );
});

test('lines are those of the file, where templates were expanded before', () => {
  assert.deepEqual(
    problems(`name: 1${minimal}`, (line) => line + 10),
    [
      'spec.yaml:11:7: name: is the number 1; allowed: a letter, then letters, digits, "-" and "_"; in quotes: "1"',
    ],
  );
});

test('limits', () => {
  const many = (count: number, item: (at: number) => string): string =>
    Array.from({ length: count }, (_, at) => `  - ${item(at)}\n`).join('');
  const workloads = (count: number): string =>
    `workloads:\n${many(count, (at) => `{name: w${at}, intercepts: [{handler: h0}]}`)}`;
  const handlers = (count: number): string =>
    `handlers:\n${many(count, (at) => `{name: h${at}, script: {run: make}}`)}`;
  const prerequisites = (count: number): string =>
    `prerequisites:\n${many(count, () => '{create: h0}')}`;
  const intercepts = (count: number): string =>
    `workloads:\n  - name: w\n    intercepts:\n${many(count, (at) => `{handler: h0, name: i${at}}`).replaceAll('  - ', '      - ')}`;
  assert.deepEqual(problems(workloads(32) + prerequisites(16) + handlers(64)), []);
  assert.deepEqual(problems(intercepts(16) + handlers(1)), []);
  assert.deepEqual(problems(workloads(33) + prerequisites(17) + handlers(65)), [
    'spec.yaml:1:1: workloads: has 33 items; allowed: at most 32',
    'spec.yaml:35:1: prerequisites: has 17 items; allowed: at most 16',
    'spec.yaml:53:1: handlers: has 65 items; allowed: at most 64',
  ]);
  assert.deepEqual(problems(intercepts(17) + handlers(1)), [
    'spec.yaml:3:5: workloads[0].intercepts: has 17 items; allowed: at most 16',
  ]);
});

test('a specification is called as its file, without the last extension', () => {
  assert.equal(nameOfFile('/x/telepresence.spec.yaml'), 'telepresence.spec');
  assert.equal(nameOfFile('C:\\x\\echo.yml'), 'echo');
  assert.equal(nameOfFile('.spec'), '.spec');
  assert.equal(nameOfFile('echo'), 'echo');
});
