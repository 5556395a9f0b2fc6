/** Whatever an API server, a proxy, a kubeconfig or Helm's record says: it is read, or a KubeError. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { systemClock } from '#base/clock.ts';
import { nearlyJson, nearlyText } from '#base/nearly.fixture.ts';
import { KubeFlagsSchema } from '#protocol/gen/telepresence_pb.ts';
import { refusalOf } from './credential-trouble.ts';
import { KubeError } from './errors.ts';
import { decodeRelease, encodeRelease } from './helm-release.ts';
import { kubeFlagsOf } from './kube-flags.ts';
import { parseKubeconfig } from './kubeconfig-file.ts';
import { loadClusterAccess } from './kubeconfig.ts';
import { formatManifests, parseManifests } from './manifest.ts';
import { createPortForwardDuplex } from './port-forward-duplex.ts';
import { proxyCredentials } from './proxy-credentials.ts';
import { chooseProxy } from './proxy-choice.ts';
import { askSocks } from './socks-proxy.ts';
import { errorFromAnswer } from './status.ts';
import { parseWatchEvent } from './watch-stream.ts';

const signal = AbortSignal.timeout(100_000);

function kubeErrorOr<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    assert.ok(error instanceof KubeError, String(error));
    return undefined;
  }
}

const kubeconfig = `
current-context: work
clusters:
- name: prod
  cluster: { server: 'https://api.example.com:6443/base', tls-server-name: kubernetes }
contexts:
- name: work
  context: { cluster: prod, user: alice, namespace: shop }
users:
- name: alice
  user:
    token: tohp-terces
    as: bob
    as-groups: [developers]
    as-user-extra: { team: [a] }
`;
const yamlSigns = [':', '\n', '- ', '  ', '{', ']', '&a ', '*a', '"', '|', '~', '1', 'name', '\t'];

test('a kubeconfig: its error never shows what stands in it', async () => {
  await fc.assert(
    fc.asyncProperty(nearlyText([kubeconfig], yamlSigns), async (text) => {
      try {
        parseKubeconfig([{ path: 'f', folder: '/nowhere', text }]);
        await loadClusterAccess(
          { clock: systemClock },
          { flags: { kubeconfigText: text }, env: {}, home: '/nowhere' },
        );
      } catch (error) {
        assert.ok(error instanceof KubeError, String(error));
        assert.doesNotMatch(error.message, /tohp-terces/);
      }
    }),
    { numRuns: 120 },
  );
});

test('a token that no header can carry is a sentence', async () => {
  for (const token of ['a\\nb', 'a\\u2028', 'a\\0']) {
    const text = kubeconfig.replace('tohp-terces', `"${token}"`);
    const flags = { kubeconfigText: text };
    const access = await loadClusterAccess({ clock: systemClock }, { flags, env: {}, home: '/' });
    await assert.rejects(access.identify(signal), { code: 'BadConfig', message: /user alice/ });
  }
});

test('a proxy, and who needs none', () => {
  const proxies = nearlyText(
    ['http://u:p@proxy:3128', 'proxy:3128', 'socks5://10.0.0.1'],
    ['%', '@', ':', '/', '[', ']', '%zz', '#'],
  );
  const exempt = nearlyText(
    ['10.0.0.0/8,.corp', 'fd00::/8', '*', 'host:80', '[::1]:6443'],
    [',', '/', '/99', '/', '*', '.', ':', '[', '-1'],
  );
  const hosts = fc.constantFrom('https://10.0.0.1:6443', 'https://api.corp', 'https://[fd00::1]/');
  fc.assert(
    fc.property(proxies, exempt, hosts, (proxy, none, host) => {
      const env = { HTTPS_PROXY: proxy, NO_PROXY: none };
      const chosen = kubeErrorOr(() => chooseProxy(new URL(host), { proxyUrl: undefined, env }));
      if (chosen !== undefined) proxyCredentials(chosen);
    }),
    { numRuns: 1000 },
  );
  const server = new URL('https://10.0.0.1');
  for (const none of ['10.0.0.0/99', '10.0.0.0/', '10.0.0.0/x', '/', 'fd00::/8']) {
    const env = { HTTPS_PROXY: 'proxy:1', NO_PROXY: none };
    assert.notEqual(chooseProxy(server, { proxyUrl: undefined, env }), undefined, none);
  }
});

test('user and password of a proxy are what they were before they were an address', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((each) => each.isWellFormed());
  fc.assert(
    fc.property(text, text, (user, password) => {
      const url = new URL('http://proxy');
      url.username = encodeURIComponent(user);
      url.password = encodeURIComponent(password);
      const read = proxyCredentials(url);
      assert.equal(read.user.toString(), user);
      assert.equal(read.password.toString(), password);
    }),
  );
  assert.equal(proxyCredentials(new URL('http://u:50%@proxy')).password.toString(), '50%');
});

test('a SOCKS proxy that says anything', async () => {
  const bytes = fc.array(
    fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 255), fc.integer({ min: 0, max: 255 })),
    { maxLength: 30 },
  );
  let answer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(answer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const place = server.address();
  assert.ok(typeof place === 'object' && place !== null);
  const target = { host: 'api', port: 6443 };
  const ask = async (said: readonly number[], url: string): Promise<void> => {
    answer = Buffer.from(said);
    const socket: Socket = connect(place.port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    try {
      const same = await askSocks(socket, new URL(url), target, signal);
      same.destroy();
    } catch (error) {
      assert.ok(error instanceof KubeError || socket.destroyed, String(error));
    }
  };
  await fc.assert(
    fc.asyncProperty(bytes, async (said) => await ask(said, 'socks5://u:p@proxy')),
    { numRuns: 60 },
  );
  const long = `socks5://${'u'.repeat(300)}:p@proxy`;
  answer = Buffer.from([5, 2, 1, 0]);
  const socket = connect(place.port, '127.0.0.1');
  await once(socket, 'connect');
  await assert.rejects(askSocks(socket, new URL(long), target, signal), /longer than SOCKS5/);
  server.close();
});

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', resourceVersion: '7' } };
const status = {
  kind: 'Status',
  reason: 'NotFound',
  message: 'no such pod',
  code: 404,
  details: { retryAfterSeconds: 1 },
};

test('events of a watch, and errors', () => {
  const event = nearlyJson([
    { type: 'ADDED', object: pod },
    { type: 'ERROR', object: { ...status, code: 410 } },
    { type: 'BOOKMARK', object: pod },
  ]);
  fc.assert(
    fc.property(
      fc.oneof(
        event.map((one) => JSON.stringify(one) ?? ''),
        fc.string(),
      ),
      (line) => {
        kubeErrorOr(() => parseWatchEvent(line, 'watch pods'));
      },
    ),
    { numRuns: 1000 },
  );
  const reasons = fc.constantFrom('constructor', '__proto__', 'toString', 'Expired', '');
  const answers = fc.oneof(
    nearlyJson([status]),
    reasons.map((reason) => Object.assign({}, status, { reason })),
  );
  fc.assert(
    fc.property(answers, fc.integer(), fc.option(fc.string()), (body, code, after) => {
      const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
      const answer = { status: code, body: text, retryAfter: after ?? undefined };
      const error = errorFromAnswer('get pod', answer);
      assert.ok(error instanceof KubeError);
      assert.equal(typeof error.code, 'string');
      assert.match(error.message, /^get pod: ./s);
    }),
    { numRuns: 1000 },
  );
  const page = `<html>${'<title'.repeat(20_000)}`;
  assert.match(errorFromAnswer('get', { status: 502, body: page }).message, /web page/);
});

test('why credentials may have been refused', () => {
  const claims = nearlyJson([
    { exp: 1_700_000_000 },
    { exp: -1e300 },
    { exp: 1e300 },
    { exp: -9e15 },
  ]);
  fc.assert(
    fc.property(fc.oneof(claims, fc.string()), fc.string(), (said, more) => {
      const payload = Buffer.from(JSON.stringify(said) ?? '').toString('base64url');
      for (const authorization of [`Bearer a.${payload}.b`, `Bearer ${more}`, more]) {
        refusalOf({ authorization }, { user: 'ann', nowMs: 1_800_000_000_000 });
      }
      refusalOf({ cert: more }, { user: 'ann', nowMs: 0 });
    }),
  );
});

test('manifests come back as they were written; others are read or refused', () => {
  const objects = fc.array(
    fc.record({
      apiVersion: fc.string(),
      kind: fc.string(),
      metadata: fc.record({ name: fc.string() }),
      data: fc.dictionary(
        fc.string(),
        fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed()),
      ),
    }),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(objects, (typed) => {
      assert.deepEqual(parseManifests(formatManifests(typed)), JSON.parse(JSON.stringify(typed)));
    }),
    { numRuns: 50 },
  );
  const text = formatManifests([pod, { ...pod, kind: 'Secret' }]);
  fc.assert(
    fc.property(nearlyText([text], [...yamlSigns, '---\n', '...\n']), (said) => {
      kubeErrorOr(() => parseManifests(said));
    }),
    { numRuns: 200 },
  );
});

const release = {
  name: 'r',
  namespace: 'n',
  version: 1,
  manifest: '',
  config: {},
  info: { status: 'deployed', first_deployed: '', last_deployed: '', deleted: '', description: '' },
  chart: { metadata: { name: 'c', version: '1', appVersion: '' } },
} as const;

test('Helm’s record: as it was written, or a KubeError; never a gigabyte', async () => {
  assert.deepEqual(await decodeRelease(await encodeRelease(release), 'r'), release);
  const packed = await encodeRelease(release);
  const damaged = fc.oneof(
    nearlyText([packed], ['A', '=', '/']),
    nearlyJson([release]).map((one) => Buffer.from(JSON.stringify(one) ?? '').toString('base64')),
    fc.uint8Array().map((bytes) => gzipSync(bytes).toString('base64')),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (text) => {
      await decodeRelease(text, 'r').catch((error: unknown) => {
        assert.ok(error instanceof KubeError, String(error));
      });
    }),
    { numRuns: 300 },
  );
  const bomb = gzipSync(Buffer.alloc(80 * 2 ** 20)).toString('base64');
  assert.ok(bomb.length < 200_000);
  await assert.rejects(decodeRelease(bomb, 'r'), { code: 'BadObject' });
});

test('kubectl’s flags, as the command line sends them', () => {
  const pair = fc.tuple(
    fc.oneof(fc.string(), fc.constantFrom('constructor', '__proto__', 'toString')),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(pair), fc.string(), (pairs, timeout) => {
      const values = pairs.map(([key, value]) => `${key.replaceAll('=', '')}=${value}`);
      const message = create(KubeFlagsSchema, {
        lists: { 'as-user-extra': { values } },
        others: { 'request-timeout': timeout },
      });
      const { asUserExtra = {}, requestTimeoutMs = 1 } = kubeFlagsOf(message, '/');
      assert.equal(Object.values(asUserExtra).flat().length, values.length);
      assert.ok(requestTimeoutMs > 0);
    }),
  );
});

test('a kubelet that says anything on a port-forward', async () => {
  const frame = fc
    .tuple(fc.constantFrom(0x82, 0x02, 0x80, 0x88, 0x89, 0x81), fc.uint8Array({ maxLength: 100 }))
    .map(([first, body]) => Buffer.concat([Buffer.from([first, body.length]), body]));
  const chunks = fc.array(fc.oneof(frame, fc.uint8Array({ maxLength: 40 })), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(chunks, async (said) => {
      const socket = new PassThrough();
      const duplex = createPortForwardDuplex(socket, 'pod p');
      const errors: unknown[] = [];
      duplex.on('error', (error) => errors.push(error));
      const closed = new Promise((resolve) => duplex.once('close', resolve));
      duplex.resume();
      for (const chunk of said) socket.write(chunk);
      socket.end();
      await closed;
      for (const error of errors) assert.ok(error instanceof KubeError, String(error));
    }),
    { numRuns: 200 },
  );
});
