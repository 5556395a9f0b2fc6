/** Headers of flows: what is written is read, and whatever else comes is refused in words. */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import fc from 'fast-check';
import { nearlyText } from '#base/nearly.fixture.ts';
import { connectHeaders, readConnect, type FlowKind } from './flow-kind.ts';
import { refusalHeaders, refusalOf } from './refusal.ts';
import { refusals } from './errors.ts';

function answer(status: number, words: string): Parameters<typeof refusalOf>[0] {
  const headers: IncomingHttpHeaders = { 'proxy-status': words };
  return Object.assign(headers, { ':status': status });
}

const kinds = fc.constantFrom<FlowKind>('tcp', 'udp', 'echo');
const hosts = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((host) => `[${host}]`),
);

test('what asks for a flow is read as it was meant', () => {
  fc.assert(
    fc.property(kinds, hosts, fc.nat(65_535), (kind, host, port) => {
      const authority = `${host}:${String(port)}`;
      const headers = Object.fromEntries(
        Object.entries(connectHeaders(kind, authority)).map(([name, value]) => [
          name,
          String(value),
        ]),
      );
      assert.deepEqual(readConnect(headers), { kind, authority });
    }),
  );
});

test('any path and protocol is a flow or none', () => {
  const path = nearlyText(
    ['/.well-known/masque/udp/10.0.0.1/53/', '/.well-known/masque/echo/fd00%3a%3a1/0/'],
    ['/', '%', '%3a', '%253a', ':', '..', '99999', 'udp'],
  );
  const protocol = fc.option(fc.constantFrom('connect-udp', 'connect-echo', 'websocket', ''), {
    nil: undefined,
  });
  fc.assert(
    fc.property(path, protocol, fc.option(fc.string(), { nil: undefined }), (at, by, authority) => {
      const flow = readConnect({
        ':path': at,
        ...(by === undefined ? {} : { ':protocol': by }),
        ...(authority === undefined ? {} : { ':authority': authority }),
      });
      if (flow === undefined || flow.kind === 'tcp') return;
      assert.doesNotMatch(flow.authority, /[%/\s]/);
    }),
    { numRuns: 1000 },
  );
});

test('a refusal comes back as itself, and any status is one or none', () => {
  for (const refusal of refusals) {
    const headers = refusalHeaders(refusal);
    const sent = answer(Number(headers[':status']), String(headers['proxy-status']));
    assert.equal(refusalOf(sent), refusal);
  }
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 999 }), fc.string(), (status, words) => {
      const refusal = refusalOf(answer(status, words));
      assert.equal(refusal === undefined, status >= 200 && status < 300);
    }),
  );
});
