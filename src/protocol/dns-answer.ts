import {
  decodeDnsQuestion,
  encodeDnsMessage,
  type DnsMessage,
  type DnsRecord,
} from './dns-message.ts';
import { dnsTypes, dnsTypeOf } from './dns-record.ts';

/** What a server says to a query. */
export interface DnsReply {
  readonly code: number;
  readonly answers?: readonly DnsRecord[];
  /** For NXDOMAIN and empty answers: the SOA that says how long to remember them. */
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

const ednsUdpSize = 1232;

/** The bytes of an answer to `query`: its ID and question, and EDNS when it had that. */
export function answerDnsQuery(query: DnsMessage, reply: DnsReply): Buffer {
  const edns = query.additionals.some(({ data }) => dnsTypeOf(data) === dnsTypes.OPT);
  const opt: DnsRecord = {
    name: '',
    class: ednsUdpSize,
    ttlSeconds: 0,
    data: { kind: 'other', type: dnsTypes.OPT, bytes: Buffer.alloc(0) },
  };
  return encodeDnsMessage({
    id: query.id,
    response: true,
    opcode: query.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: query.recursionDesired,
    recursionAvailable: true,
    authenticData: false,
    checkingDisabled: query.checkingDisabled,
    code: reply.code,
    questions: query.questions,
    answers: reply.answers ?? [],
    authorities: reply.authorities ?? [],
    additionals: [...(reply.additionals ?? []), ...(edns ? [opt] : [])],
  });
}

/** The raw message with another ID, for those who multiplex. */
export function withDnsId(message: Buffer, id: number): Buffer {
  const copy = Buffer.from(message);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** The answer cut to `limit` bytes: too long, it is only the question and the bit that says "ask by TCP". */
export function fitDnsAnswer(answer: Buffer, limit: number): Buffer {
  if (answer.length <= limit) return answer;
  const end = decodeDnsQuestion(answer)?.end ?? 12;
  const cut = Buffer.from(answer.subarray(0, end));
  cut.writeUInt16BE(cut.readUInt16BE(2) | 0x0200, 2);
  cut.writeUInt16BE(end === 12 ? 0 : 1, 4);
  cut.fill(0, 6, 12);
  return cut;
}
