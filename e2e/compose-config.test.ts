/** The real Compose reads what is made of projects as people have them; nothing runs. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readBehaviors } from '#compose/behaviors.ts';
import { parseComposeDocument, type ComposeDocument } from '#compose/document.ts';
import { printComposeDocument } from '#compose/print-document.ts';
import { rewrite } from '#compose/rewrite.ts';
import type { ServiceIntent } from '#spec/compose-spec.ts';
import { run } from '../images/command.ts';
import { composeProgram } from '../playground/docker/programs.ts';
import { settingsFrom } from '../playground/settings.ts';
import { projects } from './compose/known-projects.ts';

const signal = AbortSignal.timeout(300_000);
let compose: string;
let directory: string;

before(async () => {
  const { layout } = settingsFrom(process.env);
  const progress = (text: string): void => void process.stderr.write(`prepare: ${text}\n`);
  compose = await composeProgram({ layout, env: process.env, progress }, signal);
  directory = await mkdtemp(join(tmpdir(), 'e2e-compose-config-'));
});
after(async () => await rm(directory, { recursive: true, force: true }));

/** What Compose says of a file. */
async function config(file: string, flags: readonly string[] = []): Promise<ComposeDocument> {
  const words = [compose, '--project-directory', directory, '-f', file, ...flags, 'config'];
  const { stdout } = await run(words, { signal, env: process.env });
  return parseComposeDocument(stdout);
}

for (const [name, { text, profiles, intents }] of Object.entries(projects)) {
  test(`Compose accepts the copy of ${name}, and reads in it what was meant`, async () => {
    const file = join(directory, `${name}.yaml`);
    await writeFile(file, text);
    const flags = profiles.flatMap((profile) => ['--profile', profile]);
    const original = await config(file, flags);
    const behaviors = readBehaviors(original, intents);
    const place = {
      sandbox: 'tp-a',
      environment: { FROM_POD: 'a$b ${HOME}\n  - "c": yes', NO: '012', DATE: '2001-01-01' },
      volumes: [{ volume: 'app-0', target: '/etc/settings', readOnly: true }],
    };
    const facts = {
      behaviors,
      places: new Map(Object.keys(original.services).map((service) => [service, place])),
      environment: { FROM_SPEC: 'no' },
      network: 'telepresence',
      ordersNetworks: false,
      labels: { 'telepresence.handler': 'id' },
    };
    const { document, handlers } = rewrite(original, facts);
    assert.ok(handlers.length > 0);
    const copy = join(directory, `${name}.copy.yaml`);
    await writeFile(copy, printComposeDocument(document));
    const active = [
      ...new Set(Object.values(document.services).flatMap((one) => one.profiles ?? [])),
    ];
    const read = await config(
      copy,
      active.flatMap((profile) => ['--profile', profile]),
    );
    assert.deepEqual(Object.keys(read.services), Object.keys(document.services));
    for (const { service } of handlers) {
      const handler = read.services[service];
      assert.equal(handler?.network_mode, 'container:tp-a');
      const { environment = {} } = handler;
      assert.equal(environment['FROM_POD'], 'a$$b $${HOME}\n  - "c": yes');
      assert.equal(environment['NO'], '012');
      assert.equal(environment['DATE'], '2001-01-01');
      assert.equal(environment['FROM_SPEC'], 'no');
    }
    for (const intent of intents.filter(({ behavior }) => behavior === 'remote')) {
      assert.equal(read.services[intent.name], undefined);
    }
    assert.equal(read.networks['default']?.name, 'telepresence');
    // What Compose has read of its own copy it reads the same again.
    const again = join(directory, `${name}.again.yaml`);
    await writeFile(again, printComposeDocument(read));
    assert.deepEqual(
      await config(
        again,
        active.flatMap((one) => ['--profile', one]),
      ),
      read,
    );
    assert.equal(await readFile(file, 'utf8'), text);
  });
}

test('services that nobody says anything of are for Compose what they were', async () => {
  const file = join(directory, 'plain.yaml');
  await writeFile(file, projects['shop']?.text ?? '');
  const original = await config(file);
  const labels = { 'telepresence.handler': 'id' };
  const intents: ServiceIntent[] = [{ name: 'web', behavior: 'interceptHandler' }];
  const { document } = rewrite(original, {
    behaviors: readBehaviors(original, intents),
    places: new Map([['web', { sandbox: 'tp-a', environment: {}, volumes: [] }]]),
    environment: {},
    network: 'telepresence',
    ordersNetworks: false,
    labels,
  });
  const copy = join(directory, 'plain.copy.yaml');
  await writeFile(copy, printComposeDocument(document));
  const read = await config(copy);
  for (const name of ['db', 'cache', 'migrate']) {
    const { labels: _ours, external_links: _links, ...rest } = read.services[name] ?? {};
    const { labels: _own, ...before } = original.services[name] ?? {};
    assert.deepEqual(rest, before);
  }
});
