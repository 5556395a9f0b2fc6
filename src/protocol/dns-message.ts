import { encodeName, readName, type DnsName } from './dns-name.ts';
import { dnsTypeOf, dnsTypes, encodeData, readData, type DnsData } from './dns-record.ts';

/** The response codes that we use (RFC 1035 §4.1.1). */
export const dnsCodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  /** Between our daemons: "this name is not ours, ask elsewhere". */
  refused: 5,
} as const;

/** What is asked. */
export interface DnsQuestion {
  readonly name: DnsName;
  readonly type: number;
  readonly class: number;
}

/** A resource record. OPT (EDNS) is one of kind `other`: its `class` is the UDP size. */
export interface DnsRecord {
  readonly name: DnsName;
  readonly class: number;
  readonly ttlSeconds: number;
  readonly data: DnsData;
}

/** The first twelve bytes, without the counts. */
export interface DnsHeader {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  readonly code: number;
}

/** A whole DNS message. */
export interface DnsMessage extends DnsHeader {
  readonly questions: readonly DnsQuestion[];
  readonly answers: readonly DnsRecord[];
  readonly authorities: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

const headerLength = 12;

/** The message that the bytes are, or undefined when they are none. Bytes behind it are ignored. */
export function decodeDnsMessage(bytes: Buffer): DnsMessage | undefined {
  if (bytes.length < headerLength) return undefined;
  const questions: DnsQuestion[] = [];
  let at = headerLength;
  for (let left = bytes.readUInt16BE(4); left > 0; left -= 1) {
    const read = readQuestion(bytes, at);
    if (read === undefined) return undefined;
    questions.push(read.question);
    at = read.end;
  }
  const sections: DnsRecord[][] = [];
  for (const countAt of [6, 8, 10]) {
    const section: DnsRecord[] = [];
    for (let left = bytes.readUInt16BE(countAt); left > 0; left -= 1) {
      const read = readRecord(bytes, at);
      if (read === undefined) return undefined;
      section.push(read.record);
      at = read.end;
    }
    sections.push(section);
  }
  const [answers = [], authorities = [], additionals = []] = sections;
  return { ...readHeader(bytes), questions, answers, authorities, additionals };
}

/**
 * Header and first question only: all that is needed to decide who answers. `end` is the offset
 * behind the question.
 */
export function decodeDnsQuestion(
  bytes: Buffer,
):
  | { readonly header: DnsHeader; readonly question: DnsQuestion; readonly end: number }
  | undefined {
  if (bytes.length < headerLength || bytes.readUInt16BE(4) !== 1) return undefined;
  const read = readQuestion(bytes, headerLength);
  return read && { header: readHeader(bytes), ...read };
}

/** The bytes of a message. Throws a RangeError when a name or address in it cannot be written. */
export function encodeDnsMessage(message: DnsMessage): Buffer {
  const { questions, answers, authorities, additionals } = message;
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(message.id, 0);
  header.writeUInt16BE(flagsOf(message), 2);
  header.writeUInt16BE(questions.length, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authorities.length, 8);
  header.writeUInt16BE(additionals.length, 10);
  const asked = questions[0]?.name;
  return Buffer.concat([
    header,
    ...questions.map(encodeQuestion),
    ...[...answers, ...authorities, ...additionals].map((record) => encodeRecord(record, asked)),
  ]);
}

const bits = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
} as const;

function readHeader(bytes: Buffer): DnsHeader {
  const flags = bytes.readUInt16BE(2);
  return {
    id: bytes.readUInt16BE(0),
    opcode: (flags >> 11) & 15,
    code: flags & 15,
    response: (flags & bits.response) !== 0,
    authoritative: (flags & bits.authoritative) !== 0,
    truncated: (flags & bits.truncated) !== 0,
    recursionDesired: (flags & bits.recursionDesired) !== 0,
    recursionAvailable: (flags & bits.recursionAvailable) !== 0,
    authenticData: (flags & bits.authenticData) !== 0,
    checkingDisabled: (flags & bits.checkingDisabled) !== 0,
  };
}

function flagsOf(header: DnsHeader): number {
  return (
    ((header.opcode & 15) << 11) |
    (header.code & 15) |
    (header.response ? bits.response : 0) |
    (header.authoritative ? bits.authoritative : 0) |
    (header.truncated ? bits.truncated : 0) |
    (header.recursionDesired ? bits.recursionDesired : 0) |
    (header.recursionAvailable ? bits.recursionAvailable : 0) |
    (header.authenticData ? bits.authenticData : 0) |
    (header.checkingDisabled ? bits.checkingDisabled : 0)
  );
}

function readQuestion(
  bytes: Buffer,
  start: number,
): { question: DnsQuestion; end: number } | undefined {
  const name = readName(bytes, start);
  if (name === undefined || name.end + 4 > bytes.length) return undefined;
  const type = bytes.readUInt16BE(name.end);
  const questionClass = bytes.readUInt16BE(name.end + 2);
  return { question: { name: name.name, type, class: questionClass }, end: name.end + 4 };
}

function readRecord(bytes: Buffer, start: number): { record: DnsRecord; end: number } | undefined {
  const name = readName(bytes, start);
  if (name === undefined || name.end + 10 > bytes.length) return undefined;
  const dataStart = name.end + 10;
  const end = dataStart + bytes.readUInt16BE(name.end + 8);
  if (end > bytes.length) return undefined;
  const type = bytes.readUInt16BE(name.end);
  const data = readData(bytes, { type, start: dataStart, end });
  if (data === undefined) return undefined;
  const recordClass = bytes.readUInt16BE(name.end + 2);
  const ttlSeconds = bytes.readUInt32BE(name.end + 4);
  return { record: { name: name.name, class: recordClass, ttlSeconds, data }, end };
}

function encodeQuestion(question: DnsQuestion): Buffer {
  const fields = Buffer.alloc(4);
  fields.writeUInt16BE(question.type, 0);
  fields.writeUInt16BE(question.class, 2);
  return Buffer.concat([nameBytes(question.name), fields]);
}

/** Most records are of the name that was asked for: two bytes instead of the name (§4.1.4). */
function encodeRecord(record: DnsRecord, asked: DnsName | undefined): Buffer {
  const pointsBack = record.name === asked && record.name !== '';
  const name = pointsBack ? Buffer.from([0xc0, headerLength]) : nameBytes(record.name);
  const data = encodeData(record.data);
  if (data === undefined) throw new RangeError(`no ${record.data.kind} record: ${record.name}`);
  const fields = Buffer.alloc(10);
  fields.writeUInt16BE(dnsTypeOf(record.data), 0);
  fields.writeUInt16BE(record.class, 2);
  fields.writeUInt32BE(record.ttlSeconds, 4);
  fields.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, fields, data]);
}

function nameBytes(name: DnsName): Buffer {
  const bytes = encodeName(name);
  if (bytes === undefined) throw new RangeError(`not a domain name: ${name}`);
  return bytes;
}

/** How long an answer by UDP may be: what the query's EDNS record says, else 512 (RFC 6891 §6.2.3). */
export function udpAnswerLimit(query: DnsMessage): number {
  const edns = query.additionals.find(({ data }) => dnsTypeOf(data) === dnsTypes.OPT);
  return Math.max(edns?.class ?? 0, 512);
}
