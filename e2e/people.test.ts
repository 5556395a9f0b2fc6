// Two people, two laptops, one workload: who has it, who is refused, who may take over, and when.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { group } from '#protocol/resources.ts';
import type { CommandResult } from '../images/command.ts';
import { eventually } from './eventually.ts';
import { startHandler, type Handler } from './handler.ts';
import { signalDaemon } from './laptop-machine.ts';
import { createNamespace } from './namespace.ts';
import { clusterIp, idlePod, readyPod } from './pod-network.ts';
import { prepare, rollOut } from './prepare.ts';
import { startRequestLoop, type RequestLoop } from './request-loop.ts';
import { apply, kubectl, telepresence } from './run.ts';
import { createUser, grantClient, type KubeUser } from './user.ts';
import { webApp } from './web-app.ts';

const namespace = 'people-e2e';
const graceMs = 10_000;
const ttlMs = 40_000;
/** A busy machine may be this late. */
const lateMs = 20_000;
const kinds = `intercepts.${group}`;
const image = ['--set', 'image.registry=telepresence'] as const;
const resources = new AsyncDisposableStack();
const byApp = /^200 web-/;

interface Place {
  readonly user: string;
  readonly laptop: 1 | 2;
}
const alice: Place = { user: 'alice', laptop: 1 };
const bob: Place = { user: 'bob', laptop: 2 };
const aliceElsewhere: Place = { user: 'alice', laptop: 2 };

let first: Handler;
let second: Handler;
let loop: RequestLoop;
let aliceUser: KubeUser;

/** `telepresence` of somebody, on a laptop. */
async function run({ user, laptop }: Place, ...args: readonly string[]): Promise<CommandResult> {
  const options = { kubeconfig: user, laptop, mayFail: true, deadlineMs: 90_000 };
  return await telepresence(args, options);
}

async function must(place: Place, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(place, ...args);
  assert.equal(status, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** What somebody is told who may not. */
async function refusal(place: Place, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(place, ...args);
  assert.equal(status, 1, `${stdout}${stderr}`);
  console.log(stderr.trim());
  return stderr;
}

function intercept({ laptop }: Place, ...flags: readonly string[]): readonly string[] {
  const { port } = laptop === 1 ? first : second;
  return ['intercept', 'web', '--port', String(port), ...flags];
}

async function answers(who: RegExp, what: string): Promise<void> {
  await loop.settles(who, { since: Date.now(), withinMs: lateMs, what });
}

/** Laptop 1 sleeps; resolves when the manager knows. */
async function laptopSleeps(): Promise<void> {
  const since = Date.now();
  await signalDaemon('user-daemon', 'STOP');
  await loop.settles(byApp, { since, withinMs: lateMs, what: 'the app answers' });
  await eventually('the loss is noticed', lateMs, async () => {
    const state = `jsonpath={.items[?(@.spec.client=="${await clientOf(1)}")].status.state}`;
    assert.equal(await kubectl('get', kinds, '-n', namespace, '-o', state), 'Disconnected');
  });
}

/** user@laptop, as a laptop calls itself. */
async function clientOf(laptop: 1 | 2): Promise<string> {
  const clients = ['-o', 'jsonpath={.items[*].spec.client}'];
  const all = await kubectl('get', `connections.${group}`, '-n', namespace, ...clients);
  const suffix = laptop === 1 ? '@laptop' : '@laptop2';
  return all.split(' ').find((client) => client.endsWith(suffix)) ?? 'nobody';
}

before(async () => {
  await prepare();
  const grace = `intercept.grace=${String(graceMs)}ms,client.connectionTTL=${String(ttlMs)}ms`;
  resources.defer(async () => {
    await telepresence(['helm', 'upgrade', ...image], { deadlineMs: 180_000, mayFail: true });
  });
  await telepresence(['helm', 'upgrade', ...image, '--set', grace], { deadlineMs: 180_000 });
  resources.use(await createNamespace(namespace));
  aliceUser = await createUser('alice');
  resources.use(await grantClient(namespace, [aliceUser, await createUser('bob')]));
  for (const name of ['web', 'side']) {
    await apply(webApp({ namespace, name, replicas: 1, agent: true }));
  }
  await apply(idlePod(namespace, 'client'));
  await rollOut(namespace);
  const ip = await clusterIp(namespace, 'web');
  loop = resources.use(
    await startRequestLoop(await readyPod(namespace, 'client'), `http://${ip}/`),
  );
  first = resources.use(await startHandler('laptop 1'));
  second = resources.use(await startHandler('laptop 2', 200, 2));
  for (const place of [alice, bob]) await must(place, 'connect', '--namespace', namespace);
});
after(async () => {
  for (const laptop of [1, 2] as const) {
    await telepresence(['quit', '-s'], { laptop, mayFail: true });
  }
  await resources.disposeAsync();
});

test('who comes second is told who was first, and both see each other', async () => {
  await must(alice, ...intercept(alice));
  await answers(/^200 laptop 1$/, 'alice has it');
  const refused = await refusal(bob, ...intercept(bob));
  assert.match(
    refused,
    /port 8080 of Deployment web is intercepted by \S+@laptop \(intercept web\)/,
  );
  assert.match(refused, /wait until its owner leaves it/);
  const forced = await refusal(bob, ...intercept(bob, '--force'));
  assert.match(
    forced,
    /is intercepted by \S+@laptop \(intercept web\): --force takes over from oneself/,
  );
  assert.match(forced, /kubectl delete intercept/);
  await must(bob, 'intercept', 'side', '--port', '9999');
  const [hers, his] = [await must(alice, 'list'), await must(bob, 'list')];
  console.log(`alice:\n${hers}\nbob:\n${his}`);
  assert.match(hers, /^web *: intercepted$/m);
  assert.match(hers, /^side *: intercepted by \S+@laptop2 \(intercept side\)$/m);
  assert.match(his, /^web *: intercepted by \S+@laptop \(intercept web\)$/m);
  const { stdout } = await aliceUser.kubectl(['get', kinds, '-n', namespace]);
  assert.match(stdout, /web +alice +\S+@laptop +web +8080 +Active/);
  assert.match(stdout, /side +bob +\S+@laptop2 +side +8080 +Active/);
  await answers(/^200 laptop 1$/, 'alice still has it');
});

test('a lost laptop: nobody else within the grace, anybody after it; the loser is told', async () => {
  await laptopSleeps();
  try {
    const lost = Date.now();
    assert.match(await must(bob, 'list'), /\(intercept web, disconnected\)/);
    const soon = await refusal(bob, ...intercept(bob, '--force'));
    assert.match(soon, /whose laptop is disconnected: others may take over from [\d:]{8} UTC on/);
    const after = await eventually('bob may', graceMs + lateMs, async () => {
      await must(bob, ...intercept(bob));
    });
    assert.ok(after > graceMs / 2, 'not before the grace is over');
    await answers(/^200 laptop 2$/, 'bob has it');
    console.log(`taken over ${String(Date.now() - lost)} ms after the loss was known`);
  } finally {
    await signalDaemon('user-daemon', 'CONT');
  }
  await eventually('alice is told', lateMs, async () => {
    assert.match(await must(alice, 'status'), /web: \S+ \(ERROR: taken over by \S+@laptop2 /);
    assert.match(await must(alice, 'status'), /Status +: Connected/);
    assert.match(await must(alice, 'list'), /State *: error: taken over by \S+@laptop2/);
  });
  await answers(/^200 laptop 2$/, 'bob keeps it');
  assert.match(await refusal(alice, ...intercept(alice)), /is intercepted by \S+@laptop2/);
});

test('who may delete intercepts may end another’s; the loser does not get it back by itself', async () => {
  const path = 'jsonpath={.items[?(@.spec.user=="bob")].metadata.name}';
  const names = (await kubectl('get', kinds, '-n', namespace, '-o', path)).split(' ');
  const web = names.find((name) => name.startsWith('web-')) ?? '';
  const deleted = await aliceUser.kubectl(['delete', kinds, '-n', namespace, web]);
  assert.equal(deleted.status, 0, deleted.stderr);
  await answers(byApp, 'the app answers');
  await eventually('bob sees that', lateMs, async () => {
    assert.doesNotMatch(await must(bob, 'list'), /^web *: intercepted/m);
  });
  await must(alice, ...intercept(alice));
  await answers(/^200 laptop 1$/, 'alice has it again');
});

test('the same user takes over at once by --force, from a lost laptop and from one that is there', async () => {
  await must(bob, 'quit');
  await must(aliceElsewhere, 'connect', '--namespace', namespace);
  const refused = await refusal(aliceElsewhere, ...intercept(aliceElsewhere));
  assert.match(refused, /is intercepted by \S+@laptop \(intercept web\), which is you/);
  assert.match(refused, /take it over: telepresence intercept --force/);
  await laptopSleeps();
  try {
    const { status } = await run(aliceElsewhere, ...intercept(aliceElsewhere));
    assert.equal(status, 1, 'not by accident');
    await must(aliceElsewhere, ...intercept(aliceElsewhere, '--force'));
    await answers(/^200 laptop 2$/, 'laptop 2 has it');
  } finally {
    await signalDaemon('user-daemon', 'CONT');
  }
  await eventually('laptop 1 is told', lateMs, async () => {
    assert.match(await must(alice, 'status'), /web: \S+ \(ERROR: taken over by \S+@laptop2 /);
  });
  await must(alice, ...intercept(alice, '--force'));
  await answers(/^200 laptop 1$/, 'laptop 1 has it back');
  assert.match(await must(aliceElsewhere, 'status'), /\(ERROR: taken over by \S+@laptop /);
});

test('a laptop that does not come back: after client.connectionTTL its objects are deleted', async () => {
  const mine = await clientOf(1);
  await signalDaemon('user-daemon', 'KILL');
  const ofKind = async (kind: string): Promise<string> => {
    const path = `jsonpath={.items[?(@.spec.client=="${mine}")].status.state}`;
    return await kubectl('get', `${kind}.${group}`, '-n', namespace, '-o', path);
  };
  await eventually('the loss is noticed', lateMs, async () => {
    assert.equal(await ofKind('connections'), 'Disconnected');
  });
  const after = await eventually('they are gone', ttlMs + lateMs, async () => {
    assert.equal(await ofKind('connections'), '');
    assert.equal(await ofKind('intercepts'), '');
  });
  assert.ok(after > ttlMs / 2, 'not before their time');
});
