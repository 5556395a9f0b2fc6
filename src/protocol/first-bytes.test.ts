import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { areRepeatable } from './first-bytes.ts';

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

function frame(type: number, payload = ''): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  return head.toString('latin1') + payload;
}

function startup(code: number, text = ''): string {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + text.length);
  head.writeUInt32BE(code, 4);
  return head.toString('latin1') + text;
}

function record(kind: number, body: string): string {
  return Buffer.from([22, 3, 1, 0, body.length + 1, kind]).toString('latin1') + body;
}

const cases: readonly (readonly [string, string, boolean])[] = [
  ['GET', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
  ['a part of it', 'HEAD / HTTP/1.1\r\nHos', true],
  ['two at once', 'GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\n\r\n', false],
  ['GET with a body', 'GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx', false],
  ['POST', 'POST / HTTP/1.1\r\n\r\n', false],
  ['DELETE', 'DELETE / HTTP/1.1\r\n\r\n', false],
  ['HTTP/2 settings', preface + frame(4, 'abcdef') + frame(8, 'abcd'), true],
  ['HTTP/2 with a request', preface + frame(4) + frame(1, 'x'), false],
  ['HTTP/2 in part', preface + frame(4, 'abcdef').slice(0, 12), true],
  ['ClientHello', record(1, 'hello'), true],
  ['ClientHello with early data', `${record(1, 'hello')}data`, false],
  ['another TLS message', record(2, 'hello'), false],
  ['PostgreSQL', startup(196_608, 'user\0x\0\0'), true],
  ['PostgreSQL, TLS?', startup(80_877_103), true],
  ['PostgreSQL, cancel', startup(80_877_102, '12345678'), false],
  ['PostgreSQL with a query behind', `${startup(196_608)}Q`, false],
  ['Redis', 'INCR a\r\n', false],
  ['nothing', '', false],
];

test('greetings and requests that change nothing may be repeated, and nothing else', () => {
  for (const [what, text, expected] of cases) {
    assert.equal(areRepeatable(Buffer.from(text, 'latin1')), expected, what);
  }
});

test('any bytes have an answer, and what is unknown is no', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const buffer = Buffer.from(bytes);
      // G, H, O, P, a TLS handshake, the length of a message.
      if (areRepeatable(buffer)) assert.ok([71, 72, 79, 80, 22, 0].includes(buffer.readUInt8()));
    }),
  );
});
