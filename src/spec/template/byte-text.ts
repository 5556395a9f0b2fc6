/**
 * A string as Go has it: bytes. Each character of it is one byte (0–255), so `len`, `trunc`, `index`
 * and sorting do what they do in Go; it becomes text again when it leaves the interpreter.
 */
export type ByteText = string;

const wide = /[^\0-\x7f]/;

/** Text as the bytes of its UTF-8. */
export function toBytes(text: string): ByteText {
  return wide.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export function toText(bytes: ByteText): string {
  return wide.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** A function on text as one on bytes. */
export function onText(change: (text: string) => string): (bytes: ByteText) => ByteText {
  return (bytes) => toBytes(change(toText(bytes)));
}

/** The code points of bytes. */
export function runes(bytes: ByteText): string[] {
  return Array.from(toText(bytes));
}
