/**
 * A domain name as text: labels joined by dots, without the last one; the root is ''. Bytes that a
 * label may hold but text may not are escaped as in zone files (RFC 1035 §5.1): `\.`, `\\`, `\000`.
 * Case is kept, because clients compare what they sent (and some shuffle it on purpose).
 */
export type DnsName = string;

const maxLabel = 63;
/** RFC 1035 §3.1: length bytes and the root's included. */
const maxName = 255;
const pointerBits = 0xc0;

/** A name and the offset behind it, or undefined when the bytes are none. */
export function readName(
  bytes: Buffer,
  start: number,
): { readonly name: DnsName; readonly end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let end: number | undefined;
  let size = 1;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if ((length & pointerBits) === pointerBits) {
      const low = bytes[at + 1];
      if (low === undefined) return undefined;
      end ??= at + 2;
      const target = ((length & ~pointerBits) << 8) | low;
      // Only ever backwards: what RFC 1035 §4.1.4 means, and the end of every loop.
      if (target >= at) return undefined;
      at = target;
      continue;
    }
    size += length + 1;
    if (length > maxLabel || size > maxName || at + 1 + length > bytes.length) return undefined;
    labels.push(escapeLabel(bytes.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
}

/** The bytes of a name, uncompressed. Undefined when a label or the whole is too long or empty. */
export function encodeName(name: DnsName): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const label of splitName(name)) {
    const bytes = unescapeLabel(label);
    if (bytes.length === 0 || bytes.length > maxLabel) return undefined;
    parts.push(Buffer.from([bytes.length]), bytes);
  }
  parts.push(Buffer.from([0]));
  const encoded = Buffer.concat(parts);
  return encoded.length > maxName ? undefined : encoded;
}

/** The labels of a name, still escaped. */
export function splitName(name: DnsName): string[] {
  if (name === '') return [];
  return [...`${name}.`.matchAll(/((?:\\.|[^\\.])*)\./gs)].map(([, label = '']) => label);
}

function escapeLabel(bytes: Buffer): string {
  let text = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (char === '.' || char === '\\') text += `\\${char}`;
    else if (byte > 0x20 && byte < 0x7f) text += char;
    else text += `\\${String(byte).padStart(3, '0')}`;
  }
  return text;
}

function unescapeLabel(label: string): Buffer {
  const plain = label.replaceAll(/\\(\d{3}|.)/gs, (_, escaped: string) =>
    escaped.length === 3 ? String.fromCharCode(Number(escaped) & 0xff) : escaped,
  );
  return Buffer.from(plain, 'latin1');
}
