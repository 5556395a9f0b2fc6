import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HostError } from '#host/errors.ts';

import { readMachineResolver } from './machine-resolver.ts';
import { chooseNameWay } from './name-way.ts';

test('without systemd-resolved the nameservers of resolv.conf are redirected and asked', () => {
  const nameservers = ['192.0.2.53', '2001:db8::53'];
  assert.deepEqual(chooseNameWay({ nameservers, resolved: undefined }), {
    byLink: false,
    redirected: nameservers,
    upstream: nameservers,
  });
});

test('behind its stub nothing is redirected, and its own nameservers are asked', () => {
  const way = chooseNameWay({
    nameservers: ['127.0.0.53'],
    resolved: { upstream: ['192.0.2.53', '127.0.0.53'] },
  });
  assert.deepEqual(way, { byLink: true, redirected: [], upstream: ['192.0.2.53'] });
});

test('who passes systemd-resolved by is redirected beside it', () => {
  const way = chooseNameWay({ nameservers: ['192.0.2.1'], resolved: { upstream: ['192.0.2.53'] } });
  assert.deepEqual(way, { byLink: true, redirected: ['192.0.2.1'], upstream: ['192.0.2.1'] });
});

test('it runs where its file is there and it is on the bus', async () => {
  const files: Record<string, string> = { '/etc/resolv.conf': 'nameserver 127.0.0.53\n' };
  const read = async (running: boolean): Promise<unknown> => {
    const deps = {
      resolved: { isRunning: async () => running },
      readFile: async (path: string) => {
        const text = files[path];
        if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
        return text;
      },
    };
    return (await readMachineResolver(deps, AbortSignal.timeout(1000))).resolved;
  };
  assert.equal(await read(true), undefined);
  files['/run/systemd/resolve/resolv.conf'] = 'nameserver 192.0.2.53\nsearch lan\n';
  assert.deepEqual(await read(true), { upstream: ['192.0.2.53'] });
  assert.equal(await read(false), undefined);
});

test('a resolv.conf that cannot be read is not taken for an empty one', async () => {
  const readFile = async (): Promise<string> => {
    throw new HostError('SystemCall', 'no');
  };
  const deps = { resolved: { isRunning: async () => true }, readFile };
  await assert.rejects(readMachineResolver(deps, AbortSignal.timeout(1000)), /no/);
});
