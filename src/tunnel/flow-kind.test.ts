import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http2';
import { test } from 'node:test';
import fc from 'fast-check';
import { connectHeaders, readConnect, type FlowKind } from './flow-kind.ts';

/** What the other side reads of a request. */
function read(kind: FlowKind, authority: string): ReturnType<typeof readConnect> {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(connectHeaders(kind, authority))) {
    headers[name] = String(value);
  }
  return readConnect(headers);
}

test('an address and a port, and an intercept by its UID, of every kind', () => {
  const port = fc.integer({ min: 1, max: 65_535 });
  const address = fc.oneof(
    fc.tuple(fc.ipV4(), port).map(([ip, at]) => `${ip}:${String(at)}`),
    fc.tuple(fc.ipV6(), port).map(([ip, at]) => `[${ip}]:${String(at)}`),
    fc.uuid(),
  );
  const kind = fc.constantFrom('tcp' as const, 'udp' as const, 'echo' as const);
  fc.assert(
    fc.property(kind, address, (asked, authority) => {
      assert.deepEqual(read(asked, authority), { kind: asked, authority });
    }),
  );
});

test('port 0 of an address is no intercept, and is left for the policy to refuse', () => {
  assert.deepEqual(read('udp', '10.0.0.1:0'), { kind: 'udp', authority: '10.0.0.1:0' });
  assert.equal(read('udp', 'example.com:53'), undefined);
});
