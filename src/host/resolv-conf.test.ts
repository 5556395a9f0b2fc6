import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseResolvConf } from './resolv-conf.ts';

test('nameservers, search and options are read, the rest is skipped', () => {
  const text = `# nameserver 1.1.1.1
; a comment
nameserver 10.0.0.1
nameserver\t10.0.0.2   # our second
nameserver fe80::1%eth0
nameserver 10.0.0.1
nameserver not-an-address
domain example.com
search  corp.example  example.org
options ndots:2 timeout:1
options rotate
nonsense`;
  assert.deepEqual(parseResolvConf(text), {
    nameservers: ['10.0.0.1', '10.0.0.2', 'fe80::1%eth0'],
    search: ['corp.example', 'example.org'],
    options: ['ndots:2', 'timeout:1', 'rotate'],
  });
});

test('an empty file says nothing', () => {
  assert.deepEqual(parseResolvConf(''), { nameservers: [], search: [], options: [] });
});
