/** What `--env-syntax` writes, read by the real shells and by docker's and compose's own code. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { run } from '../images/command.ts';
import { composeProgram } from '../playground/docker/programs.ts';
import { ensureMachine } from '../playground/packages.ts';
import { cacheFrom } from '../images/cache.ts';
import { envText, type EnvSyntax } from '#cli/output/env-syntax.ts';
import { everything, hostile, type Environment } from './env/hostile.ts';
import { buildEnvReaders } from './env/readers.ts';

const signal = AbortSignal.timeout(600_000);
let folder = '';
let readers = '';

before(async () => {
  const uid = process.getuid?.() ?? -1;
  await ensureMachine({ uid, env: process.env, progress: console.log }, signal);
  readers = await buildEnvReaders(signal);
  folder = await mkdtemp(join(tmpdir(), 'telepresence-env-'));
});
after(async () => await rm(folder, { recursive: true, force: true }));

const composeConfig = v.object({
  services: v.object({
    app: v.object({ environment: v.nullish(v.record(v.string(), v.string())) }),
  }),
});

const value = fc.oneof(
  fc.constantFrom(...hostile),
  fc.array(fc.constantFrom(...hostile), { maxLength: 4 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && !text.includes('\0')),
);
/** Many at once: starting a shell takes longer than reading a hundred variables. */
const generated = fc
  .array(value, { minLength: 60, maxLength: 120 })
  .map((values) => Object.fromEntries(values.map((each, index) => [`G${String(index)}`, each])));

async function written(syntax: EnvSyntax, environment: Environment): Promise<string> {
  const path = join(folder, 'variables');
  await writeFile(path, envText(syntax, environment).text);
  return path;
}

/** The part of an environment that a syntax did not leave out. */
function held(syntax: EnvSyntax, environment: Environment): Environment {
  const { left } = envText(syntax, environment);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !left.includes(name)));
}

/** Of what a program printed, `NAME=VALUE` each ended by a zero, the names that are asked for. */
function asked(printed: string, environment: Environment): Environment {
  const entries = printed.split('\0').map((one) => {
    const at = one.indexOf('=');
    return [one.slice(0, at), one.slice(at + 1)] as const;
  });
  return Object.fromEntries(entries.filter(([name]) => Object.hasOwn(environment, name)));
}

async function check(
  syntax: EnvSyntax,
  environment: Environment,
  read: (path: string) => Promise<Environment>,
  /** Names that the reader has of its own and keeps, whatever it reads. */
  own: readonly string[] = [],
): Promise<void> {
  const path = await written(syntax, environment);
  const wanted = Object.entries(held(syntax, environment)).filter(([name]) => !own.includes(name));
  assert.deepEqual({ ...(await read(path)) }, Object.fromEntries(wanted));
}

async function checkMany(
  syntax: EnvSyntax,
  read: (path: string, environment: Environment) => Promise<Environment>,
): Promise<void> {
  const property = fc.asyncProperty(generated, async (environment) => {
    await check(syntax, environment, async (path) => await read(path, environment));
  });
  await fc.assert(property, { numRuns: 15, interruptAfterTimeLimit: 15_000 });
}

const shells = {
  dash: ['dash', '-c'],
  bash: ['bash', '--norc', '-c'],
  'bash as sh': ['bash', '--norc', '--posix', '-c'],
  'busybox sh': ['busybox', 'sh', '-c'],
  zsh: ['zsh', '-f', '-c'],
} as const;

for (const [name, words] of Object.entries(shells)) {
  const read = (all: boolean) => async (path: string, environment: Environment) => {
    const script = `${all ? 'set -a; ' : ''}set -eu; . "$0"; exec env -0`;
    const { stdout } = await run([...words, script, path], {
      env: { PATH: process.env['PATH'] },
      signal,
    });
    return asked(stdout, environment);
  };
  // What stands behind a name that the shell keeps must be read all the same.
  const own = name.startsWith('bash') ? ['UID'] : name === 'zsh' ? ['UID', 'USERNAME'] : [];
  test(`sh and sh:export by ${name}`, async () => {
    await check('sh:export', everything, async (path) => await read(false)(path, everything), own);
    await check('sh', everything, async (path) => await read(true)(path, everything), own);
    await checkMany('sh:export', read(false));
  });
}

test('csh and csh:export by tcsh', async () => {
  const environment = { PATH: process.env['PATH'], LANG: 'C.UTF-8' };
  const tcsh = async (script: string): Promise<string> =>
    (await run(['tcsh', '-f', '-c', script], { env: environment, signal })).stdout;
  const exported = async (path: string, wanted: Environment): Promise<Environment> =>
    asked(await tcsh(`source ${path}; exec env -0`), wanted);
  const set = async (path: string, wanted: Environment): Promise<Environment> => {
    const printing = Object.keys(wanted).map((name) => `printf '${name}=%s\\0' $${name}:q`);
    return asked(await tcsh([`source ${path}`, ...printing].join('\n')), wanted);
  };
  await check('csh:export', everything, async (path) => await exported(path, everything));
  await check('csh', everything, async (path) => await set(path, everything));
  await checkMany('csh:export', exported);
});

test('docker and compose by their own code', async () => {
  const read =
    (tool: string) =>
    async (path: string): Promise<Environment> => {
      const parsed: unknown = JSON.parse((await run([readers, tool, path], { signal })).stdout);
      assert.ok(typeof parsed === 'object' && parsed !== null);
      return Object.fromEntries(Object.entries(parsed).map(([name, each]) => [name, String(each)]));
    };
  for (const syntax of ['docker', 'compose'] as const) {
    await check(syntax, everything, read(syntax));
    await checkMany(syntax, read(syntax));
  }
  // A line as long as docker reads, and one that is longer.
  const longest = 'x'.repeat(65_533);
  await check('docker', { A: longest, B: 'after it' }, read('docker'));
  assert.deepEqual(envText('docker', { A: `${longest}x` }).left, ['A']);
});

test('compose by `docker compose config`', async () => {
  const deps = {
    layout: { cache: cacheFrom(process.env) },
    env: process.env,
    progress: console.log,
  };
  const compose = await composeProgram(deps, signal);
  const file = join(folder, 'compose.json');
  const service = { image: 'none', env_file: ['variables'] };
  await writeFile(file, JSON.stringify({ name: 'env', services: { app: service } }));
  const read = async (): Promise<Environment> => {
    const argv = [compose, '--file', file, 'config', '--format', 'json'];
    const { stdout } = await run(argv, {
      env: { PATH: process.env['PATH'], HOME: folder },
      signal,
    });
    const { services } = v.parse(composeConfig, JSON.parse(stdout));
    // What it prints is to be read by compose again: each dollar stands there twice.
    const entries = Object.entries(services.app.environment ?? {});
    return Object.fromEntries(
      entries.map(([name, each]) => [name, each.replaceAll('$$', () => '$')]),
    );
  };
  await check('compose', everything, read);
  await checkMany('compose', read);
});
