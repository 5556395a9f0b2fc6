/** What credential plugins may print, and how they may behave: credentials, or a KubeError, in time. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { KubeError } from './errors.ts';
import { credentialsFrom } from './exec-answer.ts';
import { runExecPlugin } from './exec-plugin.ts';
import type { Credentials } from './cluster-access.ts';

const plugin = { apiVersion: 'client.authentication.k8s.io/v1', command: 'the-plugin', args: [] };
const samples = [
  { token: 't', expirationTimestamp: '2026-01-02T03:04:05Z' },
  { clientCertificateData: 'CERT', clientKeyData: 'KEY' },
  { token: '', clientCertificateData: null, expirationTimestamp: null },
].map((status) => ({ apiVersion: plugin.apiVersion, kind: 'ExecCredential', spec: {}, status }));

/** Something that a request can be made with. */
function judge({ authorization, cert, key, refreshAt }: Credentials): void {
  assert.ok(authorization !== undefined || cert !== undefined);
  assert.equal(cert === undefined, key === undefined);
  assert.notEqual(cert, '');
  if (authorization !== undefined) assert.match(authorization, /^Bearer ./s);
  if (refreshAt !== undefined) assert.ok(Number.isFinite(refreshAt));
}

test('an answer is credentials, or a KubeError that names the plugin and shows no secret', () => {
  const text = fc.oneof(
    nearlyJson(samples).map((one) => JSON.stringify(one) ?? ''),
    nearlyText(
      samples.map((one) => JSON.stringify(one).replace('"t"', '"tohp-terces"')),
      ['{', '}', '"', ':', ',', 'null', '"__proto__":{"token":"x"},'],
    ),
  );
  fc.assert(
    fc.property(text, (stdout) => {
      try {
        judge(credentialsFrom(stdout, plugin));
      } catch (error) {
        assert.ok(error instanceof KubeError, String(error));
        assert.match(error.message, /^credential plugin the-plugin printed /);
        assert.doesNotMatch(error.message, /tohp-terces/);
      }
    }),
    { numRuns: 2000 },
  );
});

test('half a certificate is none, null is nothing, and who gives nothing is told so', () => {
  const read = (status: object): Credentials =>
    credentialsFrom(JSON.stringify({ kind: 'ExecCredential', status }), plugin);
  assert.throws(() => read({ clientCertificateData: 'CERT' }), /certificate or its key, not both/);
  assert.throws(() => read({ token: 't', clientKeyData: 'KEY' }), /not both/);
  assert.throws(() => read({}), /neither token nor client certificate/);
  assert.throws(() => read({ token: null }), /neither token/);
  assert.deepEqual(read({ token: 't', clientKeyData: null, expirationTimestamp: 'soon' }), {
    authorization: 'Bearer t',
    cert: undefined,
    key: undefined,
    refreshAt: undefined,
  });
});

async function ran(command: string, args: readonly string[]): Promise<Credentials> {
  return await runExecPlugin(
    { ...plugin, command, args: [...args] },
    {
      env: { PATH: process.env['PATH'] },
      folder: '/',
      cluster: { server: 'https://a' },
      caData: undefined,
    },
  );
}

test('a program that prints anything, in any pieces', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'exec-answer-'));
  try {
    const file = join(folder, 'answer');
    const bytes = fc.oneof(
      nearlyJson(samples).map((one) => Buffer.from(JSON.stringify(one) ?? '')),
      fc.uint8Array().map((some) => Buffer.from(some)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(0, 1), async (printed, code) => {
        await writeFile(file, printed);
        const script = 'dd bs=7 if="$0" 2>/dev/null; cat "$0" >&2; exit "$1"';
        try {
          judge(await ran('sh', ['-c', script, file, String(code)]));
          assert.equal(code, 0);
        } catch (error) {
          assert.ok(error instanceof KubeError, String(error));
          assert.equal(error.code, 'Unauthorized');
        }
      }),
      { numRuns: 30 },
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a program that never stops talking is stopped; its last words are heard', async () => {
  await assert.rejects(ran('sh', ['-c', 'yes']), {
    code: 'BadConfig',
    message: 'credential plugin sh cannot be run: it prints more than 1 MiB',
  });
  // A child of its own that goes on is nothing to wait for.
  await assert.rejects(ran('sh', ['-c', 'yes & wait']), /more than 1 MiB/);
  const long =
    'head -c 3000000 /dev/zero | tr "\\0" x >&2; echo >&2; echo sign in first >&2; exit 1';
  await assert.rejects(ran('sh', ['-c', long]), /x; sign in first$/);
});

test('what no program can be started with is a sentence too', async () => {
  for (const [command, args, message] of [
    ['sh', ['a\0b'], /cannot be run: .*null bytes/],
    ['', [], /cannot be run: /],
    ['sh', Array.from({ length: 200 }, () => 'x'.repeat(100_000)), /cannot be run: .*E2BIG/],
    ['no-such-plugin', [], /is not installed/],
    ['/etc/passwd', [], /cannot be run: .*EACCES/],
  ] as const) {
    await assert.rejects(ran(command, args), (error) => {
      assert.ok(error instanceof KubeError, String(error));
      assert.match(error.message, message);
      return error.code === 'BadConfig' && error.hint !== undefined;
    });
  }
});
