/** A DNS message as it goes over TCP and our unix socket: its length before it (RFC 1035 §4.2.2). */
export function frameDnsMessage(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}

/** Takes a stream's bytes apart into messages, however they were split on the way. */
export interface DnsFrameReader {
  /** The messages that are complete with these bytes. */
  push(chunk: Buffer): Buffer[];
}

/** A reader for one stream. It keeps at most one incomplete message: 64 KiB. */
export function createDnsFrameReader(): DnsFrameReader {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const messages: Buffer[] = [];
      let at = 0;
      while (at + 2 <= bytes.length) {
        const end = at + 2 + bytes.readUInt16BE(at);
        if (end > bytes.length) break;
        messages.push(bytes.subarray(at + 2, end));
        at = end;
      }
      rest = Buffer.from(bytes.subarray(at));
      return messages;
    },
  };
}
