// On the laptop: flows that are to leave from the pods of somebody else's workload.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viaHeader } from '#protocol/flow-headers.ts';
import { connection } from '#protocol/resources.ts';
import { createSigner } from '#tunnel/keys.ts';
import {
  connections,
  createConnection,
  dialOutcome,
  enter,
  enterReverse,
  get,
  person,
  signal,
  until,
} from './handmade-laptop.ts';

const env = (name: string): string => process.env[name] ?? '';
const namespace = env('E2E_NAMESPACE');

test('flows leave from no workload but those that one’s own Connection names', async () => {
  await using alice = await person('alice', env('E2E_ALICE'));
  await using bob = await person('bob', env('E2E_BOB'));
  const signer = createSigner();
  const of = { namespace, signer };
  const named = await createConnection(alice, { ...of, name: 'by-app', via: ['app'] });
  const hers = await createConnection(alice, { ...of, name: 'by-nobody' });
  const his = await createConnection(bob, { ...of, name: 'of-bob' });
  await using reverse = await enterReverse(alice, named, signer);
  await until('an agent of the workload', async () => {
    const options = { resource: connections, namespace, name: 'by-app', schema: connection };
    return (await get(alice, options))?.status.via?.['app']?.state === 'Ready' ? true : undefined;
  });
  assert.ok(reverse.isOpen);
  await using own = await enter(alice, named, { role: 'outbound', signer });
  await using hersToo = await enter(alice, hers, { role: 'outbound', signer });
  await using foreign = await enter(bob, his, { role: 'outbound', signer });
  const [service, by] = [env('E2E_SERVICE'), { [viaHeader]: 'app' }];
  assert.equal(await dialOutcome(own, service, by), 'open');
  for (const [session, to, headers] of [
    [foreign, service, by],
    [hersToo, service, by],
    [own, service, { [viaHeader]: 'web' }],
    [own, service, { [viaHeader]: '' }],
    [own, '127.0.0.1:8080', by],
    [own, '169.254.169.254:80', by],
    [own, `${env('E2E_MANAGER_IP')}:10250`, by],
    [own, '172.31.0.10:10250', by],
    [own, '8.8.8.8:53', by],
  ] as const) {
    assert.equal(await dialOutcome(session, to, headers), 'Forbidden', to);
  }
  for (const [who, name] of [
    [alice, 'by-app'],
    [alice, 'by-nobody'],
    [bob, 'of-bob'],
  ] as const) {
    await who.client.delete({ resource: connections, namespace, name, signal });
  }
});
