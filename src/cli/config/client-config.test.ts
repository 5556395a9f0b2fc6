import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { settingPaths } from '#protocol/check-settings.ts';
import { otherSettings } from '#protocol/other-settings.ts';
import { CliError } from '../errors.ts';
import { recordingContext } from '../testing.fixture.ts';
import { readClientConfig } from './client-config.ts';
import { configPlaces } from './config-places.ts';
import { configSchema } from './config-schema.ts';
import { heededConfig, tellMeaningless } from './heeded-config.ts';
import { parseConfig } from './parse-config.ts';

let home = '';
before(async () => void (home = await mkdtemp(join(tmpdir(), 'config-'))));
after(async () => await rm(home, { recursive: true, force: true }));

const places = () =>
  configPlaces({ env: { XDG_CONFIG_DIRS: `${home}/a:${home}/b` }, home, platform: 'linux' });

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const message = (text: string): string => {
  try {
    parseConfig('f', text);
  } catch (error) {
    assert.ok(error instanceof CliError);
    assert.equal(error.hint, 'mend that file, or remove it');
    return error.message;
  }
  return '';
};

test('no file, an empty one, one of comments: the defaults', async () => {
  const { config, notes } = await readClientConfig(places());
  assert.equal(config.intercept.defaultPort, 8080);
  assert.deepEqual(notes, []);
  await write(places().user, '# nothing yet\ntimeouts:\n  # intercept: 5s\n');
  assert.deepEqual((await readClientConfig(places())).config, config);
});

test('the user’s file is laid over the machine’s, key by key', async () => {
  const [first = '', second = ''] = places().machine;
  const { user } = places();
  await write(
    second,
    'timeouts: { intercept: 1, helm: 1, clusterConnect: 1 }\ndns: { excludes: [b] }\n',
  );
  await write(first, 'timeouts: { intercept: 2, helm: 2 }\nnonsense: 1\n');
  await write(user, 'timeouts: { intercept: 3 }\nintercept: { defaultPort: 9090 }\n');
  const { config, notes } = await readClientConfig(places());
  assert.partialDeepStrictEqual(config, {
    timeouts: { intercept: 3000, helm: 2000, clusterConnect: 1000 },
    intercept: { defaultPort: 9090 },
    dns: { excludes: ['b'] },
  });
  assert.deepEqual(
    notes.map(({ sentence }) => sentence),
    [`${first}, line 2: there is no setting nonsense`],
  );
  for (const path of [first, second, user]) await rm(path);
});

test('a file that cannot be read is named', async () => {
  await write(join(places().user, 'a-file-in-it'), '');
  await assert.rejects(readClientConfig(places()), {
    code: 'Usage',
    message: /config\.yml: .*directory/,
  });
  await rm(places().user, { recursive: true });
});

test('what is wrong is named by its line, all of it', () => {
  const text = [
    'timeouts:',
    '  intercept: soon',
    'intercept:',
    '  defaultPort: 70000',
    'routing:',
    '  neverProxySubnets:',
    '    - 10.0.0.0/8',
    '    - ten',
    'logLevels: { rootDaemon: loud }',
    'images: { registry: "a b", agentImage: "x y" }',
    'grpc: { maxReceiveSize: many }',
    'cluster: 7',
    'dns: { mappings: [{ name: a }] }',
  ].join('\n');
  assert.deepEqual(message(text).split('; ').toSorted(), [
    'f, line 10: images.agentImage: an image such as tel2:1.0 expected',
    'f, line 10: images.registry: a registry such as ghcr.io/telepresenceio expected',
    'f, line 11: grpc.maxReceiveSize: a size such as 10Mi expected',
    'f, line 12: cluster: object expected',
    'f, line 13: dns.mappings.0.aliasFor: a value expected',
    'f, line 2: timeouts.intercept: a duration such as 20s expected',
    'f, line 4: intercept.defaultPort: a port expected',
    'f, line 8: routing.neverProxySubnets.1: a subnet expected',
    'f, line 9: logLevels.rootDaemon: one of error, warning, info, debug, trace expected',
  ]);
  assert.match(message('a: 1\na: 2'), /^f: Map keys must be unique at line 2, column 1$/);
  assert.match(message('- a\n- b'), /^f: object expected$/);
  assert.match(message('just words'), /^f: object expected$/);
});

test('levels in any case, the older names of subnets', () => {
  const { typed } = parseConfig('f', 'logLevels: { userDaemon: WARN, rootDaemon: Debug }');
  assert.deepEqual(typed, { logLevels: { userDaemon: 'WARN', rootDaemon: 'Debug' } });
  assert.equal(message('routing: { neverProxy: [10.0.0.0/8] }'), '');
});

test('a misspelt name is told by every command, what has no meaning in one line', async () => {
  const { user } = places();
  const text = 'timeout: 1\ngrpc:\n  maxReceiveSize: 10Mi\nimages: { clientImage: x }\n';
  await write(user, text);
  const { context, lines } = recordingContext();
  const found = await heededConfig({ ...context, places: { ...context.places, config: places() } });
  assert.deepEqual(lines, [
    `! telepresence: warning: ${user}, line 1: there is no setting timeout (timeouts?)`,
  ]);
  tellMeaningless(context, found);
  assert.deepEqual(lines.slice(1), [
    `! telepresence: warning: ${user}: without a meaning here: grpc.maxReceiveSize, images.clientImage (why: telepresence config view --client-only)`,
  ]);
  await rm(user);
});

test('every key is in the documentation, and nothing else', async () => {
  const said = await readFile(new URL('../../../docs/config.md', import.meta.url), 'utf8');
  const documented = [...said.matchAll(/^\| `([a-zA-Z]+\.[a-zA-Z0-9]+)`/gm)].map(
    ([, path]) => path,
  );
  const known = [...settingPaths(configSchema), ...otherSettings.map(({ path }) => path)];
  assert.deepEqual(new Set(documented), new Set(known));
  assert.equal(documented.length, known.length);
  for (const { path, reason } of otherSettings) {
    assert.match(said, new RegExp(`^\\| \`${path}\` +\\| [^\\n]*${RegExp.escape(reason)}`, 'm'));
  }
});

test('whatever a file holds, it is read or refused in one sentence', () => {
  const name = fc.oneof(
    fc.string(),
    fc.constantFrom('dns', 'routing', 'timeouts', 'intercept', 'mappings', '__proto__', '<<'),
  );
  const text = fc.oneof(
    fc.string(),
    fc.object({ key: name, maxDepth: 3 }).map((typed) => {
      try {
        return stringify(typed);
      } catch {
        return '';
      }
    }),
  );
  fc.assert(
    fc.property(text, (typed) => {
      assert.doesNotMatch(message(typed), /\n/);
    }),
    { numRuns: 500 },
  );
});
