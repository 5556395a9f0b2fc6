import assert from 'node:assert/strict';
import { once } from 'node:events';
import type http from 'node:http';
import net from 'node:net';
import test from 'node:test';
import { systemClock } from '#base/clock.ts';
import { isKubeError, type KubeErrorCode } from './errors.ts';
import { reachApiServer } from './reach.ts';
import { startTestApiServer, statusBody, testAccess } from './test-api-server.ts';

const signal = AbortSignal.timeout(20_000);
type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => void;

/** What comes of an answer; undefined where it is an API server's. */
async function verdict(
  answer: Answer,
  path = '',
): Promise<readonly [KubeErrorCode, string] | undefined> {
  await using server = await startTestApiServer(answer);
  const access = { ...server.access, server: new URL(server.access.server.href + path) };
  return await reachApiServer({ access, clock: systemClock, loadPerCpu: () => 0.1 }, signal).then(
    () => undefined,
    (error: unknown) => {
      assert.ok(isKubeError(error));
      return [error.code, error.message] as const;
    },
  );
}

function says(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return (_request, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
}

test('whatever an API server says is an answer', async () => {
  const version = JSON.stringify({ gitVersion: 'v1.36.0', major: '1', minor: '36' });
  assert.equal(await verdict(says(200, version)), undefined);
  for (const [status, reason] of [
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [503, 'ServiceUnavailable'],
  ] as const) {
    assert.equal(await verdict(says(status, statusBody(status, reason, 'no'))), undefined);
  }
  const below: Answer = (request, response) => {
    if (request.url === '/k8s/c-1/version') response.end(version);
    else says(404, 'not here')(request, response);
  };
  assert.equal(await verdict(below, 'k8s/c-1/'), undefined);
});

test('what is no API server is named by what it says', async () => {
  const page = '<!DOCTYPE html><html><head><title>Sign in</title></head></html>';
  const cases: readonly (readonly [Answer, string, KubeErrorCode, RegExp])[] = [
    [says(200, page), '', 'NotKubernetes', /no Kubernetes API server: .*web page \(“Sign in”\)$/],
    [says(302, '', { location: 'https://login/' }), '', 'NotKubernetes', /on to https:\/\/login\//],
    [says(200, '{"ok":true}'), '', 'NotKubernetes', /no Kubernetes API server: GET \/version/],
    [
      says(404, '404 page not found'),
      'wrong',
      'NotKubernetes',
      /or the path is wrong: GET \/wrong\/version: 404 page not found/,
    ],
    [
      says(403, statusBody(403, 'Forbidden', 'cannot get path "/wrong/version"')),
      'wrong',
      'NotKubernetes',
      /or the path is wrong/,
    ],
    [
      says(400, 'Client sent an HTTP request to an HTTPS server.\n'),
      '',
      'NotKubernetes',
      /speaks HTTPS: .* begin with https:\/\//,
    ],
    [says(502, page), '', 'Unavailable', /HTTP 502 with a web page/],
  ];
  for (const [answer, path, code, words] of cases) {
    const [seen, message] = (await verdict(answer, path)) ?? [];
    assert.equal(seen, code);
    assert.match(message ?? '', words);
  }
});

test('silence ends after two seconds, and is named by its step', async () => {
  const silent = net.createServer((socket) => socket.on('error', () => {}).resume());
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const after: number[] = [];
  const clock = {
    after: (ms: number, run: () => void) => {
      after.push(ms);
      return systemClock.after(ms / 20, run);
    },
  };
  for (const [scheme, load, words] of [
    ['http', 0.5, /accepts connections, but GET \/version: no answer within 2000 ms/],
    ['https', 1, /TLS with 127.0.0.1:\d+: no answer within 2000 ms/],
    // A machine that is this busy is slow itself.
    ['https', 1.5, /no answer within 3000 ms/],
    ['https', 30, /no answer within 10000 ms/],
  ] as const) {
    const access = testAccess(`${scheme}://127.0.0.1:${String(port)}`);
    await assert.rejects(
      reachApiServer({ access, clock, loadPerCpu: () => load }, signal),
      (error) => {
        assert.ok(isKubeError(error, 'Unreachable'));
        assert.match(error.message, words);
        return true;
      },
    );
  }
  assert.deepEqual(new Set(after), new Set([2000, 3000, 10_000]));
  silent.close();
});

test('a server that speaks no TLS says so', async () => {
  await using server = await startTestApiServer(says(200, ''));
  const access = testAccess(server.access.server.href.replace('http:', 'https:'));
  await assert.rejects(
    reachApiServer({ access, clock: systemClock, loadPerCpu: () => 0.1 }, signal),
    /does not speak TLS/,
  );
});
