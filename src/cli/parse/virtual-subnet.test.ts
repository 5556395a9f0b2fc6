import assert from 'node:assert/strict';
import { test } from 'node:test';
import { netGroup } from '../commands/specs/connecting.ts';
import { parseLine } from './parse-line.ts';
import { readProxyVia, readVnat } from './virtual-subnet.ts';

const line = (...argv: string[]) => parseLine([...netGroup.flags], { names: [] }, argv);

test('--vnat', () => {
  assert.deepEqual(readVnat(line()), []);
  assert.deepEqual(readVnat(line('--vnat', 'service,10.1.0.0/16', '--vnat=all')), [
    'service',
    '10.1.0.0/16',
    'all',
  ]);
  assert.deepEqual(readVnat(line('--vnat', 'fd00::/64')), ['fd00::/64']);
  for (const bad of ['services', 'pod', '10.1.0.0', '10.1.0.0/33', 'all=x']) {
    assert.throws(() => readVnat(line(`--vnat=${bad}`)), { code: 'Usage' }, bad);
  }
});

test('--proxy-via', () => {
  assert.deepEqual(readProxyVia(line('--proxy-via', 'pods=echo,10.1.0.0/16=web-1')), [
    { subnet: 'pods', workload: 'echo' },
    { subnet: '10.1.0.0/16', workload: 'web-1' },
  ]);
  const bad = [
    'echo',
    'pods',
    'pods=',
    '=echo',
    'nobody=echo',
    'pods=a=b',
    'pods=Echo',
    'pods=a b',
  ];
  for (const typed of bad) {
    assert.throws(() => readProxyVia(line(`--proxy-via=${typed}`)), { code: 'Usage' }, typed);
  }
});
