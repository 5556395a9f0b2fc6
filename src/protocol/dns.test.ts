import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerDnsQuery, fitDnsAnswer, withDnsId } from './dns-answer.ts';
import {
  decodeDnsMessage,
  decodeDnsQuestion,
  dnsCodes,
  encodeDnsMessage,
  udpAnswerLimit,
  type DnsMessage,
  type DnsRecord,
} from './dns-message.ts';
import { encodeName, readName, splitName } from './dns-name.ts';
import { classInternet, dnsTypes, type DnsData } from './dns-record.ts';
import { createDnsFrameReader, frameDnsMessage } from './dns-stream.ts';
import { formatIp } from './ip-address.ts';

/** deepEqual compares prototypes, and fast-check's records have none by default. */
const plain = { noNullPrototype: true } as const;

const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((b) => Buffer.from(b));
/** Any bytes at all, as the text that readName makes of them. */
const name = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 })
  .map((labels) => {
    const wire = [...labels.flatMap((label) => [label.length, ...label]), 0];
    const read = readName(Buffer.from(wire), 0);
    assert(read !== undefined);
    return read.name;
  });
const data: fc.Arbitrary<DnsData> = fc.oneof(
  fc.record(
    {
      kind: fc.constant('A' as const),
      address: uint32.map((value) => formatIp({ family: 4, value: BigInt(value) })),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('AAAA' as const),
      address: fc
        .bigInt(1n << 64n, (1n << 128n) - 1n)
        .map((value) => formatIp({ family: 6, value })),
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constantFrom('CNAME' as const, 'NS' as const, 'PTR' as const),
      target: name,
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('SRV' as const),
      priority: uint16,
      weight: uint16,
      port: uint16,
      target: name,
    },
    plain,
  ),
  fc.record(
    { kind: fc.constant('TXT' as const), strings: fc.array(bytes(255), { maxLength: 3 }) },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('SOA' as const),
      primary: name,
      mailbox: name,
      serial: uint32,
      refresh: uint32,
      retry: uint32,
      expire: uint32,
      minimum: uint32,
    },
    plain,
  ),
  fc.record(
    {
      kind: fc.constant('other' as const),
      type: fc.constantFrom(41, 65, 257),
      bytes: bytes(60),
    },
    plain,
  ),
);
const records: fc.Arbitrary<DnsRecord[]> = fc.array(
  fc.record({ name, class: uint16, ttlSeconds: uint32, data }, plain),
  { maxLength: 4 },
);
const message: fc.Arbitrary<DnsMessage> = fc.record(
  {
    id: uint16,
    response: fc.boolean(),
    opcode: fc.nat(15),
    authoritative: fc.boolean(),
    truncated: fc.boolean(),
    recursionDesired: fc.boolean(),
    recursionAvailable: fc.boolean(),
    authenticData: fc.boolean(),
    checkingDisabled: fc.boolean(),
    code: fc.nat(15),
    questions: fc.array(fc.record({ name, type: uint16, class: uint16 }, plain), { maxLength: 2 }),
    answers: records,
    authorities: records,
    additionals: records,
  },
  plain,
);

test('what is encoded is decoded again', () => {
  fc.assert(
    fc.property(message, (original) => {
      assert.deepEqual(decodeDnsMessage(encodeDnsMessage(original)), original);
    }),
  );
});

test('noise, cut and damaged messages are undefined or a message, never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (noise) => {
      decodeDnsMessage(Buffer.from(noise));
      decodeDnsQuestion(Buffer.from(noise));
    }),
  );
  fc.assert(
    fc.property(message, fc.nat(), fc.nat(255), (original, position, byte) => {
      const whole = encodeDnsMessage(original);
      const at = position % whole.length;
      const cut = decodeDnsMessage(whole.subarray(0, at));
      assert(cut === undefined);
      whole[at] = byte;
      decodeDnsMessage(whole);
    }),
  );
});

test('names with dots, spaces and backslashes in a label survive as text', () => {
  for (const text of ['a\\.b.c', 'a\\\\.b', '\\000\\255.x', 'web', '', '_http._tcp.web.default']) {
    const wire = encodeName(text);
    assert(wire !== undefined);
    assert.equal(readName(wire, 0)?.name, text);
  }
  assert.deepEqual(splitName('a\\.b.c'), ['a\\.b', 'c']);
  assert.equal(encodeName('a..b'), undefined);
  assert.equal(encodeName('a'.repeat(64)), undefined);
  assert.equal(encodeName(Array.from({ length: 130 }, () => 'a').join('.')), undefined);
});

test('compression is followed backwards only', () => {
  const wire = Buffer.from('03777777026161 00 0362 6262 c000'.replaceAll(' ', ''), 'hex');
  assert.deepEqual(readName(wire, 8), { name: 'bbb.www.aa', end: 14 });
  assert.equal(readName(Buffer.from('c000', 'hex'), 0), undefined);
  assert.equal(readName(Buffer.from('0161c000', 'hex'), 2)?.name, undefined);
  assert.equal(readName(Buffer.from('c002c000', 'hex'), 2), undefined);
});

const query: DnsMessage = {
  id: 7,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  code: 0,
  questions: [{ name: 'wEb.default', type: dnsTypes.A, class: classInternet }],
  answers: [],
  authorities: [],
  additionals: [],
};

test('an answer repeats the question as it was asked and points back to it', () => {
  const record = { name: 'wEb.default', class: classInternet, ttlSeconds: 5 };
  const answer = answerDnsQuery(query, {
    code: dnsCodes.noError,
    answers: [{ ...record, data: { kind: 'A', address: '10.96.0.9' } }],
  });
  assert.equal(
    answer.toString('hex'),
    '000781800001000100000000' +
      '03774562' +
      '0764656661756c74' +
      '00' +
      '00010001' +
      'c00c' +
      '00010001' +
      '00000005' +
      '0004' +
      '0a600009',
  );
  assert.equal(withDnsId(answer, 9).readUInt16BE(0), 9);
});

test('an answer that is too long for UDP is cut to its question', () => {
  const strings = [Buffer.alloc(200), Buffer.alloc(200), Buffer.alloc(200)];
  const answer = answerDnsQuery(query, {
    code: dnsCodes.noError,
    answers: [{ name: 'x', class: 1, ttlSeconds: 5, data: { kind: 'TXT', strings } }],
  });
  const fitted = decodeDnsMessage(fitDnsAnswer(answer, udpAnswerLimit(query)));
  assert(fitted !== undefined);
  assert.deepEqual(
    { truncated: fitted.truncated, questions: fitted.questions, answers: fitted.answers },
    { truncated: true, questions: query.questions, answers: [] },
  );
  const edns: DnsMessage = {
    ...query,
    additionals: [
      {
        name: '',
        class: 1232,
        ttlSeconds: 0,
        data: { kind: 'other', type: 41, bytes: Buffer.alloc(0) },
      },
    ],
  };
  assert.equal(fitDnsAnswer(answer, udpAnswerLimit(edns)), answer);
});

test('a stream of messages is taken apart however it is split', () => {
  fc.assert(
    fc.property(
      fc.array(bytes(50), { maxLength: 8 }),
      fc.infiniteStream(fc.nat(9)),
      (messages, cuts) => {
        const reader = createDnsFrameReader();
        let rest = Buffer.concat(messages.map(frameDnsMessage));
        const got: Buffer[] = [];
        for (const cut of cuts) {
          if (rest.length === 0) break;
          got.push(...reader.push(rest.subarray(0, cut + 1)));
          rest = rest.subarray(cut + 1);
        }
        assert.deepEqual(got, messages);
      },
    ),
  );
});
