/** What a program or shared library says of others that it loads. */
export interface Elf {
  /** The loader that the kernel starts; shared libraries name none. */
  readonly interpreter: string | undefined;
  /** Shared libraries by name: `libc.so.6`. */
  readonly needed: readonly string[];
}

/** Reads so many bytes at an offset; fewer at the end of a file. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { end: 0, needed: 1, strings: 5, stringsSize: 10 } as const;
/** Larger than any real one, and small enough for a file that lies. */
const most = { segments: 1024, dynamic: 1 << 20, strings: 16 << 20 } as const;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Reads a 64-bit little-endian ELF file, of any processor; undefined for every other file. */
export async function readElf(read: ReadAt): Promise<Elf | undefined> {
  const head = await read(0, 64);
  if (head.length < 64 || head.toString('latin1', 0, 6) !== '\x7fELF\x02\x01') return undefined;
  const count = head.readUInt16LE(56);
  const width = head.readUInt16LE(54);
  if (count > most.segments || width < 56) return undefined;
  const table = await read(number(head, 32), count * width);
  const segments: Segment[] = [];
  for (let at = 0; at + 56 <= table.length; at += width) {
    segments.push({
      type: table.readUInt32LE(at),
      offset: number(table, at + 8),
      address: number(table, at + 16),
      size: number(table, at + 32),
    });
  }
  const named = segments.find(({ type }) => type === segment.interpreter);
  const interpreter =
    named === undefined
      ? undefined
      : textAt(await read(named.offset, Math.min(named.size, 4096)), 0);
  return { interpreter, needed: await neededBy(segments, read) };
}

async function neededBy(segments: readonly Segment[], read: ReadAt): Promise<readonly string[]> {
  const dynamic = segments.find(({ type }) => type === segment.dynamic);
  if (dynamic === undefined) return [];
  const entries = await read(dynamic.offset, Math.min(dynamic.size, most.dynamic));
  const names: number[] = [];
  let strings = 0;
  let size = 0;
  for (let at = 0; at + 16 <= entries.length; at += 16) {
    const kind = number(entries, at);
    const value = number(entries, at + 8);
    if (kind === tag.end) break;
    if (kind === tag.needed) names.push(value);
    if (kind === tag.strings) strings = value;
    if (kind === tag.stringsSize) size = value;
  }
  const holder = segments.find(
    ({ type, address, size: length }) =>
      type === segment.load && strings >= address && strings < address + length,
  );
  if (holder === undefined) return [];
  const offset = strings - holder.address + holder.offset;
  const table = await read(offset, Math.min(size, most.strings));
  return names.map((name) => textAt(table, name)).filter(Boolean);
}

/** Offsets of a file that exists are far below where a number loses precision. */
function number(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value);
}

function textAt(bytes: Buffer, at: number): string {
  if (at >= bytes.length) return '';
  const end = bytes.indexOf(0, at);
  return bytes.toString('latin1', at, end === -1 ? bytes.length : end);
}
