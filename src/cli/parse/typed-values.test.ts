import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { durationMs } from '#base/duration.ts';
import { kubeFlagsOf } from '#kube/kube-flags.ts';
import { KubeFlagsSchema } from '#protocol/gen/telepresence_pb.ts';
import { kubeFlags } from '../commands/kube-flag-specs.ts';
import { readKubeFlags } from '../commands/kube-flags.ts';
import { readMappedNamespaces } from './namespace-name.ts';
import { parseLine } from './parse-line.ts';

const mapped = { name: 'mapped-namespaces', kind: 'csv', help: '' } as const;
const line = (...argv: string[]) => parseLine([...kubeFlags, mapped], { names: [] }, argv);
const input = { readInput: async () => await Promise.resolve('kind: Config') };

test('durations', () => {
  const known = { '0': 0, '0s': 0, '90s': 90_000, '1h30m': 5_400_000, '1.5s': 1500, '20ms': 20 };
  for (const [text, ms] of Object.entries(known)) assert.equal(durationMs(text), ms, text);
  for (const text of ['', '5', 's', '1d', '-1s', '1h 2m'])
    assert.equal(durationMs(text), undefined);
});

test('--mapped-namespaces', () => {
  const read = (...argv: string[]) => readMappedNamespaces(line(...argv));
  assert.deepEqual(read(), []);
  assert.deepEqual(read('--mapped-namespaces', 'a,b', '--mapped-namespaces=a'), ['a', 'b']);
  assert.deepEqual(read('--mapped-namespaces', 'all'), []);
  for (const bad of ['', ',', 'A', 'a.b', '-a', 'a b', 'all,a']) {
    assert.throws(() => read('--mapped-namespaces', bad), { code: 'Usage' }, bad);
  }
});

test("kubectl's flags come through to the kubeconfig as they were typed", async () => {
  const typed = line(
    '--as=ann',
    '--as-group=CN=devs,OU=shop',
    '--as-group=b',
    '--as-user-extra=team=a=b',
    '--as-user-extra=team=c',
    '--request-timeout=1m',
    '--certificate-authority=ca.crt',
    '--kubeconfig=-',
    '--insecure-skip-tls-verify=false',
  );
  const flags = kubeFlagsOf(await readKubeFlags(input, typed), '/home/ann');
  assert.partialDeepStrictEqual(flags, {
    as: 'ann',
    asGroups: ['CN=devs,OU=shop', 'b'],
    asUserExtra: { team: ['a=b', 'c'] },
    requestTimeoutMs: 60_000,
    certificateAuthority: '/home/ann/ca.crt',
    kubeconfigText: 'kind: Config',
    insecureSkipTlsVerify: false,
  });
  assert.equal(flags.kubeconfig, undefined);
  const seconds = create(KubeFlagsSchema, { others: { 'request-timeout': '10' } });
  assert.equal(kubeFlagsOf(seconds, '/').requestTimeoutMs, 10_000);
  const bad = [
    ['--as-uid=1'],
    ['--as=a', '--as-user-extra=team'],
    ['-n', 'No'],
    ['--request-timeout=soon'],
  ];
  for (const argv of bad) {
    await assert.rejects(readKubeFlags(input, line(...argv)), { code: 'Usage' }, argv.join(' '));
  }
});
