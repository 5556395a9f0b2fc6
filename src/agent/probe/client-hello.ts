import type { Sign } from './sign-kinds.ts';

const handshakeRecord = 0x16;
const recordHeadBytes = 5;
const recordLimit = 16 * 1024;
const clientHelloType = 1;
/** Type and length of the message, version, random. */
const beforeSessionId = 1 + 3 + 2 + 32;
const serverNameExtension = 0;

/**
 * The sign in a TLS client's first message: the kubelet probes an address and so names no server;
 * nearly everybody else names one.
 */
export function signOfClientHello(bytes: Buffer): Sign {
  if (bytes[0] !== handshakeRecord) return 'other';
  if (bytes.length < recordHeadBytes) return 'more';
  const length = bytes.readUInt16BE(3);
  if (bytes.readUInt8(1) !== 3 || length > recordLimit) return 'other';
  if (bytes.length < recordHeadBytes + length) return 'more';
  const names = namesServer(bytes.subarray(recordHeadBytes, recordHeadBytes + length));
  return names === false ? 'kubelet' : 'other';
}

/** Whether the message names a server; undefined where it is not a whole one. */
function namesServer(hello: Buffer): boolean | undefined {
  if (hello[0] !== clientHelloType) return undefined;
  let at: number | undefined = beforeSessionId;
  // Session id, cipher suites, compression methods.
  for (const bytesOfLength of [1, 2, 1] as const) at = after(hello, at, bytesOfLength);
  const end = after(hello, at, 2);
  if (at === undefined || end !== hello.length) return undefined;
  for (at += 2; at < end;) {
    const next = after(hello, at + 2, 2);
    if (next === undefined) return undefined;
    if (hello.readUInt16BE(at) === serverNameExtension) return true;
    at = next;
  }
  return false;
}

/** Where a part that begins with its length ends; undefined where it is not whole. */
function after(bytes: Buffer, from: number | undefined, bytesOfLength: 1 | 2): number | undefined {
  if (from === undefined || from + bytesOfLength > bytes.length) return undefined;
  const to = from + bytesOfLength + bytes.readUIntBE(from, bytesOfLength);
  return to > bytes.length ? undefined : to;
}
