import type { FileHandle } from 'node:fs/promises';
import { longestRead } from '#protocol/sftp/numbers.ts';

/** As many bytes as there are, up to `length`: a client takes fewer for the end of the file. */
export async function readBytes(
  file: FileHandle,
  { offset, length }: { readonly offset: number; readonly length: number },
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(length, longestRead));
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read({
      buffer,
      offset: filled,
      length: buffer.length - filled,
      position: offset + filled,
    });
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** All of them, or an error. */
export async function writeBytes(file: FileHandle, data: Buffer, offset: number): Promise<void> {
  let written = 0;
  while (written < data.length) {
    const { bytesWritten } = await file.write(
      data,
      written,
      data.length - written,
      offset + written,
    );
    written += bytesWritten;
  }
}
