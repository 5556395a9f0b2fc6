import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideClaims, type Claim } from './claims.ts';
import { connection, intercept, workload } from './sample-world.ts';
import type { Target } from './target.ts';

const target: Target = {
  workload: { kind: 'Deployment', object: workload() },
  service: 'hello',
  servicePort: { name: undefined, port: 80 },
  severalPorts: false,
  container: 'app',
  containerPort: 8080,
  portName: 'http',
  protocol: 'TCP',
};

const alice = connection('alice-1');
const bob = connection('bob-1');
const early = '2026-01-01T00:00:00Z';
const late = '2026-01-01T00:01:00Z';

function claim(one: ReturnType<typeof intercept>, part: Partial<Claim> = {}): Claim {
  return { intercept: one, target, pastGrace: false, ...part };
}

test('who comes later is told who holds the port', () => {
  const first = intercept(alice, { created: early });
  const second = intercept(bob, { created: late });
  const { held, refused } = decideClaims([claim(second), claim(first)]);
  assert.deepEqual([...held.keys()], [first.metadata.uid]);
  assert.deepEqual(refused.get(second.metadata.uid), {
    reason: 'Conflict',
    message: 'port 8080 of Deployment hello is intercepted by alice@laptop (intercept hello)',
  });
});

test('UDP and TCP of one number are two ports', () => {
  const first = intercept(alice, { created: early });
  const second = intercept(bob, { created: late });
  const third = intercept(connection('carol-1'), { object: 'third', created: late });
  const udp = { target: { ...target, protocol: 'UDP' as const } };
  const { held, refused } = decideClaims([claim(first), claim(second, udp), claim(third, udp)]);
  assert.deepEqual([...held.keys()], [first.metadata.uid, second.metadata.uid]);
  assert.deepEqual(refused.get(third.metadata.uid), {
    reason: 'Conflict',
    message: 'port 8080/UDP of Deployment hello is intercepted by bob@laptop (intercept hello)',
  });
});

test('past the grace another takes over, and keeps it when the first returns', () => {
  const first = intercept(alice, { created: early, status: { state: 'Disconnected' } });
  const second = intercept(bob, { created: late });
  const taken = decideClaims([claim(first, { pastGrace: true }), claim(second)]);
  assert.deepEqual([...taken.held.keys()], [second.metadata.uid]);
  const lost = intercept(alice, { created: early, status: { state: 'Error' } });
  const active = intercept(bob, { created: late, status: { state: 'Active' } });
  assert.deepEqual(
    [...decideClaims([claim(lost), claim(active)]).held.keys()],
    [active.metadata.uid],
  );
});

test('who lost it is told by whom, and does not get it back by itself', () => {
  const first = intercept(alice, { created: early, status: { state: 'Disconnected' } });
  const second = intercept(bob, { created: late });
  const taken = decideClaims([claim(first, { pastGrace: true }), claim(second)]);
  const refusal = taken.refused.get(first.metadata.uid);
  assert.deepEqual(refusal, {
    reason: 'TakenOver',
    message: 'taken over by bob@laptop (intercept hello)',
  });
  const told = intercept(alice, { created: early, status: { state: 'Error', ...refusal } });
  const alone = decideClaims([claim(told)]);
  assert.equal(alone.held.size, 0);
  assert.deepEqual(alone.refused.get(told.metadata.uid), refusal);
});

test('who comes within the grace is told when to come again', () => {
  const first = intercept(alice, { created: early, status: { state: 'Disconnected' } });
  const second = intercept(bob, { created: late, force: true });
  const freeAtMs = Date.parse('2026-01-01T00:02:00Z');
  const { refused } = decideClaims([claim(first, { freeAtMs }), claim(second)]);
  assert.deepEqual(refused.get(second.metadata.uid), {
    reason: 'ConflictLost',
    message:
      'port 8080 of Deployment hello is intercepted by alice@laptop (intercept hello), whose laptop is disconnected: others may take over from 00:02:00 UTC on',
  });
});

test('force takes over from the same user at once, from nobody else', () => {
  const other = connection('alice-2');
  const first = intercept(alice, { created: early, status: { state: 'Active' } });
  const plain = intercept(other, { created: late });
  assert.equal(
    decideClaims([claim(first), claim(plain)]).refused.get(plain.metadata.uid)?.reason,
    'ConflictOwn',
  );
  const forced = intercept(other, { created: late, force: true });
  // Somebody who waits for it does not come between.
  const waiting = intercept(bob, { created: '2026-01-01T00:00:30Z', status: { state: 'Error' } });
  const own = decideClaims([claim(waiting), claim(first), claim(forced)]);
  assert.deepEqual([...own.held.keys()], [forced.metadata.uid]);
  assert.equal(own.refused.get(first.metadata.uid)?.reason, 'TakenOver');
  const foreign = intercept(bob, { created: late, force: true });
  const theirs = decideClaims([claim(first), claim(foreign)]);
  assert.deepEqual([...theirs.held.keys()], [first.metadata.uid]);
  assert.equal(theirs.refused.get(foreign.metadata.uid)?.reason, 'ForceRefused');
});

test('force that is refused for its name takes nothing', () => {
  const other = connection('alice-2');
  const first = intercept(alice, { created: early, status: { state: 'Active' } });
  const named = intercept(other, { object: 'named', created: early, status: { state: 'Active' } });
  const forced = intercept(other, { created: late, force: true });
  const elsewhere = { target: { ...target, containerPort: 9000 } };
  const { held } = decideClaims([claim(first), claim(named, elsewhere), claim(forced)]);
  assert.deepEqual(
    [...held.keys()].toSorted(),
    [first.metadata.uid, named.metadata.uid].toSorted(),
  );
});

test('a replacement of the same connection wins; another’s does not', () => {
  const old = intercept(alice, { object: 'old', created: early, status: { state: 'Active' } });
  const newer = intercept(alice, { object: 'new', created: late, replaces: 'old' });
  const own = decideClaims([claim(old), claim(newer)]);
  assert.deepEqual([...own.held.keys()], [newer.metadata.uid]);
  assert.equal(own.refused.get(old.metadata.uid)?.reason, 'Replaced');
  const foreign = intercept(bob, { object: 'evil', created: late, replaces: 'old' });
  assert.deepEqual([...decideClaims([claim(old), claim(foreign)]).held.keys()], [old.metadata.uid]);
});

test('of one second too: whatever their uids say, the replacement wins', () => {
  for (const [first, second, third] of [
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
    ['b', 'c', 'a'],
  ] as const) {
    const all = [
      intercept(alice, { object: first, created: early, status: { state: 'Active' } }),
      intercept(alice, { object: second, created: early, replaces: first, force: true }),
      intercept(alice, { object: third, created: early, replaces: second }),
    ].map((one) => claim(one));
    const { held, refused } = decideClaims(all);
    assert.deepEqual([...held.values()], [all[2]]);
    const reasons = all.map((one) => refused.get(one.intercept.metadata.uid)?.reason);
    assert.deepEqual(reasons, ['Replaced', 'Replaced', undefined]);
  }
});

test('two that replace each other do not both disappear', () => {
  const a = intercept(alice, { object: 'a', created: early, replaces: 'b' });
  const b = intercept(alice, { object: 'b', created: late, replaces: 'a' });
  assert.deepEqual([...decideClaims([claim(a), claim(b)]).held.keys()], [b.metadata.uid]);
});

test('one name for two ports is refused within a connection, allowed between people', () => {
  const other = { ...target, containerPort: 9000 };
  const first = intercept(alice, { object: 'x', created: early });
  const second = intercept(alice, { object: 'y', created: late });
  const mine = decideClaims([claim(first), claim(second, { target: other })]);
  assert.equal(mine.refused.get(second.metadata.uid)?.reason, 'NameTaken');
  const theirs = intercept(bob, { created: late });
  assert.equal(decideClaims([claim(first), claim(theirs, { target: other })]).held.size, 2);
});

const anyClaim = fc
  .record({
    who: fc.constantFrom(alice, bob, connection('alice-2')),
    force: fc.boolean(),
    object: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    name: fc.constantFrom('x', 'y'),
    port: fc.constantFrom(1, 2),
    created: fc.constantFrom(early, late),
    state: fc.constantFrom('Active', 'Error', 'Waiting', undefined),
    pastGrace: fc.boolean(),
    replaces: fc.constantFrom('a', 'b', undefined),
  })
  .map(({ who, port, pastGrace, state, replaces, ...spec }) =>
    claim(
      intercept(who, {
        ...spec,
        ...(state === undefined ? {} : { status: { state } }),
        ...(replaces === undefined ? {} : { replaces }),
      }),
      { target: { ...target, containerPort: port }, pastGrace },
    ),
  );

test('every claim is held or refused, no port is held twice, order of input does not matter', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyClaim, { selector: (one) => one.intercept.metadata.uid, maxLength: 6 }),
      (claims) => {
        const { held, refused } = decideClaims(claims);
        assert.equal(held.size + refused.size, claims.length);
        const portsHeld = [...held.values()].map((one) => one.target.containerPort);
        assert.equal(new Set(portsHeld).size, portsHeld.length);
        const reversed = decideClaims(claims.toReversed());
        assert.deepEqual([...reversed.held.keys()].sort(), [...held.keys()].sort());
        // What is decided stays decided once it is written.
        const written = claims.map((one) => ({
          ...one,
          intercept: {
            ...one.intercept,
            status: {
              state: held.has(one.intercept.metadata.uid)
                ? ('Active' as const)
                : ('Error' as const),
            },
          },
        }));
        assert.deepEqual([...decideClaims(written).held.keys()].sort(), [...held.keys()].sort());
      },
    ),
  );
});

test('a container that one replaces is nobody else’s, at whatever port', () => {
  const first = intercept(alice, { created: early });
  const second = intercept(bob, { created: late });
  const other = { ...target, containerPort: 8081, serving: 'app' };
  const replacing = { ...target, serving: 'app', replaces: 'app' };
  const said = (a: Target, b: Target): string | undefined =>
    decideClaims([claim(first, { target: a }), claim(second, { target: b })]).refused.get(
      second.metadata.uid,
    )?.message;
  assert.equal(
    said(replacing, other),
    'container app of Deployment hello is replaced by alice@laptop (intercept hello)',
  );
  assert.equal(
    said(other, replacing),
    'container app of Deployment hello is intercepted by alice@laptop (intercept hello)',
  );
  assert.equal(said(replacing, { ...other, serving: 'sidecar' }), undefined);
  // One's own other ports of it can be taken too.
  const own = intercept(alice, { name: 'own', object: 'own', created: late });
  const both = [claim(first, { target: replacing }), claim(own, { target: other })];
  assert.equal(decideClaims(both).held.size, 2);
});

test('of two whole containers one port in common is enough', () => {
  const ports = (...numbers: number[]): Pick<Target, 'whole' | 'replaces' | 'serving'> => ({
    whole: numbers.map((port) => ({
      containerPort: port,
      portName: undefined,
      protocol: 'TCP',
      target: port,
    })),
    serving: `app-${String(numbers[0])}`,
    replaces: `app-${String(numbers[0])}`,
  });
  const first = intercept(alice, { created: early });
  const second = intercept(bob, { created: late });
  const held = (...numbers: number[]): number =>
    decideClaims([
      claim(first, { target: { ...target, ...ports(8080, 8081) } }),
      claim(second, { target: { ...target, ...ports(...numbers) } }),
    ]).held.size;
  assert.equal(held(9090, 8081), 1);
  assert.equal(held(9090), 2);
});

test('wiretaps and ingests conflict with nobody, several of one port, beside an intercept too', () => {
  const taker = intercept(alice, { object: 'a', created: late, status: { state: 'Active' } });
  const others = [
    intercept(bob, { object: 'b', created: early, mode: 'wiretap' }),
    intercept(connection('eve-1'), { object: 'c', created: late, mode: 'wiretap' }),
    intercept(bob, { object: 'd', name: 'other', created: early, mode: 'ingest' }),
  ];
  const all = [taker, ...others].map((one) => claim(one));
  const { held, refused } = decideClaims(all);
  assert.equal(held.size, 4);
  assert.equal(refused.size, 0);
  // Nor does force take from them, or they by force.
  const forced = intercept(alice, { object: 'e', name: 'x', created: late, force: true });
  const own = intercept(alice, { object: 'f', name: 'y', created: early, mode: 'wiretap' });
  assert.equal(decideClaims([claim(own), claim(forced)]).held.size, 2);
  const tapping = intercept(connection('alice-2'), { created: late, mode: 'wiretap', force: true });
  assert.equal(decideClaims([claim(taker), claim(tapping)]).held.size, 2);
});

test('a wiretap is refused for its name alone, and replaced as an intercept is', () => {
  const first = intercept(alice, { object: 'x', created: early });
  const second = intercept(alice, { object: 'y', created: late, mode: 'wiretap' });
  assert.deepEqual(decideClaims([claim(first), claim(second)]).refused.get(second.metadata.uid), {
    reason: 'NameTaken',
    message: 'there is an intercept named hello already',
  });
  const third = intercept(bob, { object: 'p', created: early, mode: 'wiretap' });
  const fourth = intercept(bob, { object: 'q', created: late, mode: 'wiretap', replaces: 'p' });
  const { held, refused } = decideClaims([claim(third), claim(fourth)]);
  assert.deepEqual([...held.keys()], [fourth.metadata.uid]);
  assert.equal(refused.get(third.metadata.uid)?.reason, 'Replaced');
});
