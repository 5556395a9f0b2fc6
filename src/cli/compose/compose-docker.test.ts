import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CliContext } from '../context.ts';
import { scriptDocker } from '../handler/script-docker.fixture.ts';
import { recordingContext } from '../testing.fixture.ts';
import { claimProject } from './claim-project.ts';
import { openCompose } from './compose-command.ts';
import { freeProject } from './free-project.ts';
import { canOrderNetworks, refuseEarlierNetworks } from './network-order.ts';
import { readProject } from './read-project.ts';

const { signal } = new AbortController();
const context: CliContext = recordingContext().context;

test('the plugin is found, or it is said what to install', async () => {
  await using good = await scriptDocker('echo v2.26.1-4');
  const { version, watch } = await openCompose(context, good);
  assert.equal(version, '2.26.1-4');
  assert.deepEqual(watch, ['watch', '--no-up']);
  await using early = await scriptDocker('echo 2.20.0');
  assert.deepEqual((await openCompose(context, early)).watch, ['alpha', 'watch']);
  await using none = await scriptDocker(
    `echo "docker: 'compose' is not a docker command." >&2; exit 1`,
  );
  await assert.rejects(openCompose(context, none), /has no compose command/);
  await using old = await scriptDocker('echo 1.29.2');
  await assert.rejects(openCompose(context, old), /is version 1\.29\.2, and 2 is needed/);
});

test('what Compose warns of is said, and what it does not accept', async () => {
  const printed = String.raw`
echo 'time="x" level=warning msg="The \"PRICE\" variable is not set."' >&2
echo "name: shop"; echo "services: {}"`;
  await using good = await scriptDocker(printed);
  const compose = { docker: good.docker, version: '2', watch: [] };
  const said: string[] = [];
  const of = {
    source: { words: ['--file=x'], cwd: '/' },
    words: { reading: [] },
    warn: (line: string) => void said.push(line),
  };
  assert.equal((await readProject(context, compose, of)).name, 'shop');
  assert.deepEqual(said, ['The "PRICE" variable is not set.']);
  await using bad = await scriptDocker('echo "yaml: line 3: oh" >&2; exit 15');
  await assert.rejects(
    readProject(context, { ...compose, docker: bad.docker }, of),
    /does not accept the project in \/: yaml: line 3: oh/,
  );
  await using strange = await scriptDocker('echo "services: {web: 3}"');
  await assert.rejects(
    readProject(context, { ...compose, docker: strange.docker }, of),
    /has printed something unknown/,
  );
});

test('what a run has left makes room; what others run does not', async () => {
  const of = { project: 'shop', laptop: 'L', id: 'mine', signal };
  await using left = await scriptDocker(
    `case $1 in ps) printf 'a1\\tshop-web-1\\texited\\tL\\tid\\n';; *) echo "$@" >>$HERE/ran;; esac`,
  );
  await freeProject(left, of);
  assert.equal(await left.read('ran'), 'rm --force --volumes a1\n');
  await using users = await scriptDocker(`printf 'a1\\tshop-db-1\\texited\\t\\t\\n'`);
  await assert.rejects(freeProject(users, of), /has containers already.*shop-db-1/);
  await using other = await scriptDocker(`printf 'a1\\tshop-db-1\\trunning\\tL\\tid\\n'`);
  await assert.rejects(freeProject(other, of), /another run has the Compose project shop/);
});

test('another run that is starting is left alone, and so is another handler of this one', async () => {
  const of = { project: 'shop', laptop: 'L', id: 'mine', signal };
  const made = (state: string, id: string): string =>
    `printf 'a1\\tshop-a-1\\tcreated\\tL\\t${id}\\na2\\tshop-b-1\\t${state}\\tL\\t${id}\\n'`;
  const other = /another run has the Compose project shop: shop-a-1, shop-b-1/;
  await using starting = await scriptDocker(made('created', 'id'));
  await assert.rejects(freeProject(starting, of), other);
  await using again = await scriptDocker(made('restarting', 'id'));
  await assert.rejects(
    freeProject(again, of),
    /another run has the Compose project shop: shop-b-1/,
  );
  await using own = await scriptDocker(made('running', 'mine'));
  await assert.rejects(freeProject(own, of), /another handler of this run has.*shop/);
  await using left = await scriptDocker(
    `case $1 in ps) ${made('exited', 'id')};; *) echo "$@" >>$HERE/ran;; esac`,
  );
  await freeProject(left, of);
  assert.equal(await left.read('ran'), 'rm --force --volumes a1 a2\n');
});

test('one handler of a run has a project, until it has ended', () => {
  const run = new Set<string>();
  const first = claimProject(run, 'shop');
  claimProject(run, 'other');
  claimProject(new Set(), 'shop');
  assert.throws(() => claimProject(run, 'shop'), /another handler of this run has.*shop/);
  first[Symbol.dispose]();
  claimProject(run, 'shop');
});

test('only where Docker cannot be told the order is a network refused for its name', async () => {
  const attachment = { sandbox: 's', aliases: [], address: undefined, address6: undefined };
  await using newer = await scriptDocker(
    'case $1 in network) echo --gw-priority;; *) echo 1.48;; esac',
  );
  assert.equal(await canOrderNetworks(newer.docker, signal), true);
  await using older = await scriptDocker('case $1 in network) echo false;; *) echo 1.41;; esac');
  assert.equal(await canOrderNetworks(older.docker, signal), false);
  await refuseEarlierNetworks(older.docker, [{ ...attachment, network: 'zoo' }], signal);
  await assert.rejects(
    refuseEarlierNetworks(older.docker, [{ ...attachment, network: 'company' }], signal),
    /the network company cannot be joined/,
  );
  await using internal = await scriptDocker('echo true');
  await refuseEarlierNetworks(internal.docker, [{ ...attachment, network: 'company' }], signal);
});
