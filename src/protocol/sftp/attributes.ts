import { uint32, uint64, type WireReader } from './wire.ts';

/** What is told of a file, or wanted of it (section 5); what is not said is absent. */
export interface FileAttributes {
  readonly size?: number | undefined;
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Type and permissions, as in `st_mode`. */
  readonly mode?: number | undefined;
  /** Seconds since the epoch. */
  readonly times?: { readonly accessed: number; readonly modified: number } | undefined;
}

const flags = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x8000_0000 } as const;

export function encodeAttributes({ size, owner, mode, times }: FileAttributes): Buffer {
  let said = 0;
  const parts: Buffer[] = [];
  if (size !== undefined) {
    said |= flags.size;
    parts.push(uint64(size));
  }
  if (owner !== undefined) {
    said |= flags.owner;
    parts.push(uint32(owner.uid), uint32(owner.gid));
  }
  if (mode !== undefined) {
    said |= flags.mode;
    parts.push(uint32(mode));
  }
  if (times !== undefined) {
    said |= flags.times;
    parts.push(uint32(times.accessed), uint32(times.modified));
  }
  return Buffer.concat([uint32(said), ...parts]);
}

export function readAttributes(wire: WireReader): FileAttributes {
  const said = wire.uint32();
  const has = (flag: number): boolean => (said & flag) !== 0;
  const size = has(flags.size) ? wire.uint64() : undefined;
  const owner = has(flags.owner) ? { uid: wire.uint32(), gid: wire.uint32() } : undefined;
  const mode = has(flags.mode) ? wire.uint32() : undefined;
  const times = has(flags.times) ? { accessed: wire.uint32(), modified: wire.uint32() } : undefined;
  if (has(flags.extended)) {
    // Pairs of names and values that nobody here knows.
    const count = wire.uint32();
    for (let index = 0; index < count; index += 1) {
      wire.bytes();
      wire.bytes();
    }
  }
  return {
    ...(size === undefined ? {} : { size }),
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    ...(times === undefined ? {} : { times }),
  };
}
