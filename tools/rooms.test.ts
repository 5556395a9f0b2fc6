/** Holds the table of rooms in docs/ARCHITECTURE.md: who may import whom. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const pure = ['base', 'protocol', 'install', 'spec', 'compose'] as const;
const adapters = ['kube', 'tunnel', 'host', 'docker'] as const;
const programs = [
  'cli',
  'user-daemon',
  'root-daemon',
  'docker-helper',
  'port-relay',
  'manager',
  'agent',
  'volume-plugin',
] as const;

/** Room → rooms that it may import. */
const allowed = new Map<string, readonly string[]>([
  ['base', []],
  ['protocol', ['base']],
  ['install', ['base', 'protocol', 'spec']],
  ['spec', ['base', 'protocol']],
  ['compose', ['base', 'protocol', 'spec']],
  ...adapters.map((room): [string, readonly string[]] => [room, ['base', 'protocol']]),
  ...programs.map((room): [string, readonly string[]] => [room, [...pure, ...adapters]]),
]);

const importPattern = /(?:from|import)\s*\(?\s*'(#[a-z-]+\/[^']+|\.{1,2}\/[^']+)'/g;

function imports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(importPattern)].map((match) => match[1] ?? '');
}

function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function target(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1).split('/')[0];
  return roomOf(join(file, '..', specifier));
}

const rooms = readdirSync('src').filter((name) => statSync(join('src', name)).isDirectory());

test('every room is in the table and has a README that says what it owns', () => {
  for (const room of rooms) {
    assert.ok(allowed.has(room), `src/${room} is not in the table of rooms`);
    assert.ok(existsSync(`src/${room}/README.md`), `src/${room}/README.md is missing`);
  }
});

test('imports point down: program to adapter to protocol to base', () => {
  const wrong: string[] = [];
  for (const file of globSync('src/*/**/*.ts')) {
    const room = roomOf(file) ?? '';
    for (const specifier of imports(file)) {
      const to = target(file, specifier);
      if (to === undefined || to === room) continue;
      if (!(allowed.get(room) ?? []).includes(to)) wrong.push(`${file} imports ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('only the main files of programs read argv, environment and signals', () => {
  const wrong = globSync('src/**/*.ts').filter((file) => {
    if (/(^|\/)(main|[a-z-]*-main)\.ts$/.test(file) || file.endsWith('.test.ts')) return false;
    return /\bprocess\.(argv|env|on\('SIG)/.test(readFileSync(file, 'utf8'));
  });
  assert.deepEqual(wrong, []);
});

test('only kube/ knows the Kubernetes client library', () => {
  const wrong = globSync('src/**/*.ts').filter(
    (file) =>
      roomOf(file) !== 'kube' && readFileSync(file, 'utf8').includes("'@kubernetes/client-node"),
  );
  assert.deepEqual(wrong, []);
});
