import { encodeName, readName, type DnsName } from './dns-name.ts';
import { formatIp, parseIp } from './ip-address.ts';

/** The numbers of the record types that we read and write (RFC 1035, 2782, 3596, 6891). */
export const dnsTypes = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;

/** The Internet class. */
export const classInternet = 1;

/** What a record says. Types without a case here keep their bytes, with names in them unread. */
export type DnsData =
  | { readonly kind: 'A' | 'AAAA'; readonly address: string }
  | { readonly kind: 'CNAME' | 'NS' | 'PTR'; readonly target: DnsName }
  | {
      readonly kind: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: DnsName;
    }
  | { readonly kind: 'TXT'; readonly strings: readonly Buffer[] }
  | {
      readonly kind: 'SOA';
      readonly primary: DnsName;
      readonly mailbox: DnsName;
      readonly serial: number;
      readonly refresh: number;
      readonly retry: number;
      readonly expire: number;
      readonly minimum: number;
    }
  | { readonly kind: 'other'; readonly type: number; readonly bytes: Buffer };

/** The type number of a record's data. */
export function dnsTypeOf(data: DnsData): number {
  return data.kind === 'other' ? data.type : dnsTypes[data.kind];
}

/** The data of a record in `bytes[start, end)`, or undefined when it is not what its type asks for. */
export function readData(
  bytes: Buffer,
  { type, start, end }: { type: number; start: number; end: number },
): DnsData | undefined {
  const data = bytes.subarray(start, end);
  switch (type) {
    case dnsTypes.A:
      return readAddress(data, 4);
    case dnsTypes.AAAA:
      return readAddress(data, 6);
    case dnsTypes.CNAME:
      return readTarget(bytes, { kind: 'CNAME', start, end });
    case dnsTypes.NS:
      return readTarget(bytes, { kind: 'NS', start, end });
    case dnsTypes.PTR:
      return readTarget(bytes, { kind: 'PTR', start, end });
    case dnsTypes.SRV:
      return readSrv(bytes, start, end);
    case dnsTypes.TXT:
      return readTxt(data);
    case dnsTypes.SOA:
      return readSoa(bytes, start, end);
    default:
      return { kind: 'other', type, bytes: Buffer.from(data) };
  }
}

/** The bytes of a record's data, names uncompressed. Undefined when a name or address is none. */
export function encodeData(data: DnsData): Buffer | undefined {
  switch (data.kind) {
    case 'A':
    case 'AAAA':
      return encodeAddress(data.address, data.kind === 'A' ? 4 : 6);
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return encodeName(data.target);
    case 'SRV': {
      const target = encodeName(data.target);
      return target && Buffer.concat([uint16s(data.priority, data.weight, data.port), target]);
    }
    case 'TXT':
      if (data.strings.some(({ length }) => length > 255)) return undefined;
      return Buffer.concat(data.strings.flatMap((text) => [Buffer.from([text.length]), text]));
    case 'SOA':
      return encodeSoa(data);
    case 'other':
    default:
      return data.bytes;
  }
}

function readAddress(data: Buffer, family: 4 | 6): DnsData | undefined {
  if (data.length !== (family === 4 ? 4 : 16)) return undefined;
  const value = BigInt(`0x${data.toString('hex')}`);
  return { kind: family === 4 ? 'A' : 'AAAA', address: formatIp({ family, value }) };
}

function encodeAddress(text: string, family: 4 | 6): Buffer | undefined {
  const address = parseIp(text);
  if (address === undefined || (family === 4 && address.family === 6)) return undefined;
  // ::ffff:a.b.c.d is read as the IPv4 address that it means.
  const mapped = family === 6 && address.family === 4 ? 0xffffn << 32n : 0n;
  const digits = (address.value | mapped).toString(16).padStart(family === 4 ? 8 : 32, '0');
  return Buffer.from(digits, 'hex');
}

function readTarget(
  bytes: Buffer,
  { kind, start, end }: { kind: 'CNAME' | 'NS' | 'PTR'; start: number; end: number },
): DnsData | undefined {
  const target = readName(bytes, start);
  return target?.end === end ? { kind, target: target.name } : undefined;
}

function readSrv(bytes: Buffer, start: number, end: number): DnsData | undefined {
  if (end - start < 7) return undefined;
  const target = readName(bytes, start + 6);
  if (target?.end !== end) return undefined;
  return {
    kind: 'SRV',
    priority: bytes.readUInt16BE(start),
    weight: bytes.readUInt16BE(start + 2),
    port: bytes.readUInt16BE(start + 4),
    target: target.name,
  };
}

function readTxt(data: Buffer): DnsData | undefined {
  const strings: Buffer[] = [];
  for (let at = 0; at < data.length;) {
    const next = at + 1 + (data[at] ?? 0);
    if (next > data.length) return undefined;
    strings.push(Buffer.from(data.subarray(at + 1, next)));
    at = next;
  }
  return { kind: 'TXT', strings };
}

function readSoa(bytes: Buffer, start: number, end: number): DnsData | undefined {
  const primary = readName(bytes, start);
  const mailbox = primary && readName(bytes, primary.end);
  if (primary === undefined || mailbox === undefined || mailbox.end + 20 !== end) return undefined;
  const number = (index: number): number => bytes.readUInt32BE(mailbox.end + 4 * index);
  return {
    kind: 'SOA',
    primary: primary.name,
    mailbox: mailbox.name,
    serial: number(0),
    refresh: number(1),
    retry: number(2),
    expire: number(3),
    minimum: number(4),
  };
}

function encodeSoa(data: Extract<DnsData, { kind: 'SOA' }>): Buffer | undefined {
  const primary = encodeName(data.primary);
  const mailbox = encodeName(data.mailbox);
  if (primary === undefined || mailbox === undefined) return undefined;
  const numbers = Buffer.alloc(20);
  for (const [index, value] of [
    data.serial,
    data.refresh,
    data.retry,
    data.expire,
    data.minimum,
  ].entries()) {
    numbers.writeUInt32BE(value, 4 * index);
  }
  return Buffer.concat([primary, mailbox, numbers]);
}

function uint16s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, 2 * index);
  return bytes;
}
