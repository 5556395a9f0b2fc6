import assert from 'node:assert/strict';
import test from 'node:test';
import { chooseProxy } from './proxy-choice.ts';

const server = new URL('https://api.prod.example.com:6443');

function chosen(
  env: Readonly<Record<string, string>>,
  to: URL = server,
  proxyUrl?: string,
): string | undefined {
  return chooseProxy(to, { env, proxyUrl })?.host;
}

test('the kubeconfig’s proxy comes before the environment’s', () => {
  const env = { HTTPS_PROXY: 'http://env:1', NO_PROXY: '*' };
  assert.equal(chosen(env, server, 'http://own:2'), 'own:2');
  assert.equal(chosen({ https_proxy: 'env:1' }), 'env:1');
  assert.equal(chosen({ HTTP_PROXY: 'http://env:1' }), undefined);
  assert.equal(chosen({}), undefined);
});

test('NO_PROXY: names with their subdomains, ports, addresses, networks, everything', () => {
  const direct = (NO_PROXY: string, to: URL = server): boolean =>
    chosen({ HTTPS_PROXY: 'http://env:1', NO_PROXY }, to) === undefined;
  assert.ok(direct('example.com'));
  assert.ok(direct('.example.com, other'));
  assert.ok(direct('*.example.com'));
  assert.ok(direct('api.prod.example.com:6443'));
  assert.ok(direct('*'));
  assert.ok(!direct('api.prod.example.com:443'));
  assert.ok(!direct('ample.com'));
  assert.ok(!direct('.api.prod.example.com'));
  const address = new URL('https://10.1.2.3:6443');
  assert.ok(direct('10.0.0.0/8', address));
  assert.ok(!direct('10.2.0.0/16', address));
  assert.ok(direct('fd00::/8', new URL('https://[fd00::1]')));
  assert.ok(direct('', new URL('https://127.0.0.1:6443')));
});
