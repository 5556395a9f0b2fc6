/** An IP address as a number. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) are the IPv4 addresses they mean. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** Addresses that share their first `prefix` bits. */
export interface Subnet {
  readonly family: 4 | 6;
  readonly value: bigint;
  readonly prefix: number;
}

const mappedPrefix = 0xffffn;

/** The address that `text` writes, or undefined when it writes none (a name, a zone, leading zeros). */
export function parseIp(text: string): IpAddress | undefined {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { family: 4, value: v4 };
  const v6 = parseV6(text);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === mappedPrefix
    ? { family: 4, value: v6 & 0xffff_ffffn }
    : { family: 6, value: v6 };
}

/** The address as it is usually written; IPv6 by RFC 5952. */
export function formatIp({ family, value }: IpAddress): string {
  if (family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
  }
  const groups = Array.from({ length: 8 }, (_, i) =>
    ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16),
  );
  const zeros = [...groups.join(':').matchAll(/(?<=^|:)0(?::0)+(?=:|$)/g)]
    .toSorted((a, b) => b[0].length - a[0].length)
    .at(0);
  if (zeros === undefined) return groups.join(':');
  const text = groups.join(':');
  const head = text.slice(0, zeros.index).replace(/:$/, '');
  const tail = text.slice(zeros.index + zeros[0].length).replace(/^:/, '');
  return `${head}::${tail}`;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined when it is none. */
export function parseSubnet(text: string): Subnet | undefined {
  const slash = text.indexOf('/');
  const address = parseIp(slash === -1 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  if (slash === -1) return { ...address, prefix: bits };
  const length = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length)) return undefined;
  // A mapped subnet counts its bits from the IPv6 address.
  const prefix = Number(length) - (address.family === 4 && text.includes(':') ? 96 : 0);
  return prefix >= 0 && prefix <= bits ? { ...address, prefix } : undefined;
}

/** Whether the address is in the subnet. */
export function contains(subnet: Subnet, address: IpAddress): boolean {
  if (subnet.family !== address.family) return false;
  const shift = BigInt((subnet.family === 4 ? 32 : 128) - subnet.prefix);
  return subnet.value >> shift === address.value >> shift;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) {
    return undefined;
  }
  const bytes = parts.map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [head, tail] = halves.map((half) => parseGroups(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

function parseGroups(text: string): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const v4 = i === parts.length - 1 && part.includes('.') ? parseV4(part) : undefined;
    if (v4 !== undefined) groups.push(v4 >> 16n, v4 & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
