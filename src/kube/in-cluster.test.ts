import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { isKubeError } from './errors.ts';
import { inClusterAccess } from './in-cluster.ts';
import { selfSigned } from './test-certificates.ts';

const signal = AbortSignal.timeout(20_000);

test('a pod’s own account, its token read again as the kubelet renews it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'account-'));
  let now = 0;
  const clock = { now: () => now };
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  try {
    await assert.rejects(
      inClusterAccess({ clock }, { env, folder }),
      (error) => isKubeError(error, 'BadConfig') && /no service account token/.test(error.message),
    );
    await writeFile(path.join(folder, 'ca.crt'), selfSigned('/CN=ca', 'DNS:ca').cert);
    await writeFile(path.join(folder, 'namespace'), 'ambassador\n');
    await writeFile(path.join(folder, 'token'), 'one\n');
    const access = await inClusterAccess({ clock }, { env, folder });
    assert.equal(access.server.href, 'https://[fd00::1]/');
    assert.equal(access.namespace, 'ambassador');
    assert.equal((await access.identify(signal)).headers['authorization'], 'Bearer one');
    await writeFile(path.join(folder, 'token'), 'two\n');
    assert.equal((await access.identify(signal)).headers['authorization'], 'Bearer one');
    now = 60_000;
    assert.equal((await access.identify(signal)).headers['authorization'], 'Bearer two');
  } finally {
    await rm(folder, { recursive: true });
  }
});
