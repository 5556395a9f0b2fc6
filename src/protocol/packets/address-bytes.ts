import type { IpAddress } from '../ip-address.ts';

/** The address as it stands in a header: 4 or 16 bytes. */
export function addressBytes({ family, value }: IpAddress): Buffer {
  const bytes = Buffer.alloc(family === 4 ? 4 : 16);
  if (family === 4) bytes.writeUInt32BE(Number(value), 0);
  else {
    bytes.writeBigUInt64BE(value >> 64n, 0);
    bytes.writeBigUInt64BE(value & 0xffff_ffff_ffff_ffffn, 8);
  }
  return bytes;
}

/** The address that stands in a header at `at`. */
export function addressAt(bytes: Buffer, at: number, family: 4 | 6): IpAddress {
  if (family === 4) return { family, value: BigInt(bytes.readUInt32BE(at)) };
  return { family, value: (bytes.readBigUInt64BE(at) << 64n) | bytes.readBigUInt64BE(at + 8) };
}
