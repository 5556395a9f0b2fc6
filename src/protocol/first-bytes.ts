/** RFC 9110 §9.2.1: methods by which a client asks for nothing to be done. */
const safeRequest = /^(?:GET|HEAD|OPTIONS) /;
const headEnd = '\r\n\r\n';
const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const frameHead = 9;
/** PRIORITY, SETTINGS, PING, WINDOW_UPDATE: they concern the connection alone. */
const connectionFrames: ReadonlySet<number> = new Set([2, 4, 6, 8]);
/** PostgreSQL 3.0 and 3.2, and the questions for TLS and GSSAPI; not the one that cancels a query. */
const postgresOpenings: ReadonlySet<number> = new Set([196_608, 196_610, 80_877_103, 80_877_104]);

/**
 * Whether the first bytes of a connection may be given to a second server although a first may have
 * got them too: they only greet, or they are one request that by its definition changes nothing.
 * Whatever is not known is not.
 */
export function areRepeatable(bytes: Buffer): boolean {
  return isSafeRequest(bytes) || isHttp2Greeting(bytes) || isClientHello(bytes) || isStartup(bytes);
}

/** The head of one HTTP/1 request, whole or in part, and nothing after it. */
function isSafeRequest(bytes: Buffer): boolean {
  if (!safeRequest.test(bytes.toString('latin1', 0, 8))) return false;
  const end = bytes.indexOf(headEnd);
  return end === -1 || end + headEnd.length === bytes.length;
}

function isHttp2Greeting(bytes: Buffer): boolean {
  if (bytes.toString('latin1', 0, http2Preface.length) !== http2Preface) return false;
  let at = http2Preface.length;
  while (at + frameHead <= bytes.length) {
    if (!connectionFrames.has(bytes.readUInt8(at + 3))) return false;
    at += frameHead + bytes.readUIntBE(at, 3);
  }
  return true;
}

/** One TLS record with a ClientHello, and no early data behind it. */
function isClientHello(bytes: Buffer): boolean {
  if (bytes.length < 6 || bytes[0] !== 22 || bytes[1] !== 3 || bytes[5] !== 1) return false;
  return 5 + bytes.readUInt16BE(3) === bytes.length;
}

function isStartup(bytes: Buffer): boolean {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== bytes.length) return false;
  return postgresOpenings.has(bytes.readUInt32BE(4));
}
