/** The question for the text of who.test, by its number. */
export function question(id: number): Buffer {
  const name = Buffer.from('\x03who\x04test\x00', 'latin1');
  const [flags, one, none, text, internet] = [0x0100, 1, 0, 16, 1];
  const head = Buffer.alloc(12);
  for (const [index, value] of [id, flags, one, none, none, none].entries()) {
    head.writeUInt16BE(value, 2 * index);
  }
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(text, 0);
  tail.writeUInt16BE(internet, 2);
  return Buffer.concat([head, name, tail]);
}

/** The answer to a question: this text. */
export function answerTo(asked: Buffer, text: string): Buffer {
  const head = Buffer.from(asked);
  head.writeUInt16BE(0x8580, 2);
  head.writeUInt16BE(1, 6);
  const data = Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
  // A pointer to the question's name, TXT, IN, a minute.
  const record = Buffer.from([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, record, data]);
}

/** The number of a question or an answer, and whose text is in it. */
export function read(message: Buffer): { readonly id: number; readonly text: string } {
  const known = ['app', 'laptop'].find((text) =>
    message
      .subarray(-1 - text.length)
      .equals(Buffer.from(`${String.fromCharCode(text.length)}${text}`)),
  );
  return { id: message.readUInt16BE(0), text: known ?? 'neither' };
}
