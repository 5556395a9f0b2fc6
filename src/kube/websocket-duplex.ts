import { randomFillSync } from 'node:crypto';
import { Duplex } from 'node:stream';
import { KubeError } from './errors.ts';
import {
  createFrameReader,
  encodeFrame,
  encodeHead,
  opcode,
  type FramePiece,
  type WebSocketEnd,
} from './websocket-frames.ts';

/** By this subprotocol a laptop asks for, and the relay promises, frames instead of raw bytes. */
export const tunnelProtocol = 'tunnel.telepresence.io';

// What stands between may keep a message until it is whole.
const longestMessage = 32 * 1024;
// RFC 6455 §7.4.1: all was said.
const orderly = 1000;

/**
 * Raw bytes as binary messages on an upgraded socket, for what passes WebSockets only. Where
 * messages begin and end means nothing. A slow side stops the other. A Close frame with code 1000 is
 * the end of both directions, after all bytes; any other end is an error, never a clean end.
 */
export function createWebSocketDuplex(
  socket: Duplex,
  options: {
    /** Which end we are. */
    readonly end: WebSocketEnd;
    /** Names the connection in errors. */
    readonly what: string;
  },
): Duplex {
  return new WebSocketDuplex(socket, options);
}

class WebSocketDuplex extends Duplex {
  readonly #socket: Duplex;
  readonly #end: WebSocketEnd;
  readonly #what: string;
  readonly #readFrames: ReturnType<typeof createFrameReader>;
  #control = Buffer.alloc(0);
  #owedPong: Buffer | undefined;
  #saidClose = false;
  #heardClose = false;

  constructor(
    socket: Duplex,
    { end, what }: { readonly end: WebSocketEnd; readonly what: string },
  ) {
    // RFC 6455 knows no half-close: when the other side has ended, so do we.
    super({ allowHalfOpen: false, highWaterMark: 2 * longestMessage });
    this.#socket = socket;
    this.#end = end;
    this.#what = what;
    this.#readFrames = createFrameReader(end === 'client' ? 'server' : 'client');
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#gone());
    socket.on('close', () => this.#gone());
    socket.on('drain', () => this.#payPong());
    socket.on('error', (error: Error) => this.#gone(error));
  }

  override _read(): void {
    this.#socket.resume();
  }

  // Also for a single chunk: there is no `_write`.
  override _writev(
    chunks: { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#saidClose = true;
    const code = Buffer.alloc(2);
    code.writeUInt16BE(orderly);
    this.#writeFrame(opcode.close, code);
    this.#hangUpWhenSaid();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A connection that ends without a Close frame is an error over there, as it is here.
    if (this.#saidClose && this.#heardClose) this.#socket.end();
    else this.#socket.destroy();
    done(error);
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const [only] = chunks;
    const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    this.#socket.cork();
    for (let at = 0; at < bytes.length; at += longestMessage) {
      this.#writeFrame(opcode.binary, bytes.subarray(at, at + longestMessage));
    }
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', done);
    else done();
  }

  #writeFrame(code: number, payload: Buffer): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#end === 'client') {
      this.#socket.write(encodeFrame(code, payload, randomFillSync(new Uint8Array(4))));
      return;
    }
    this.#socket.write(encodeHead(code, payload.length));
    this.#socket.write(payload);
  }

  #receive(chunk: Buffer): void {
    let room = true;
    try {
      for (const piece of this.#readFrames(chunk)) {
        if (this.destroyed || this.#heardClose) return;
        if (piece.opcode >= opcode.close) this.#takeControl(piece);
        else if (piece.opcode === opcode.text) throw new KubeError('Other', 'a message of text');
        else if (piece.payload.length > 0) room = this.push(piece.payload) && room;
      }
    } catch (error) {
      this.destroy(this.#error('what came is no tunnel', error));
      return;
    }
    if (!room) this.#socket.pause();
  }

  #takeControl(piece: FramePiece): void {
    this.#control = Buffer.concat([this.#control, piece.payload]);
    if (!piece.last) return;
    const content = this.#control;
    this.#control = Buffer.alloc(0);
    if (piece.opcode === opcode.ping) {
      // Only the last of several need be answered (§5.5.3), so that nobody can pile them up here.
      this.#owedPong = content;
      this.#payPong();
    }
    if (piece.opcode === opcode.close) this.#takeClose(content);
  }

  #payPong(): void {
    if (this.#owedPong === undefined || this.#saidClose) return;
    if (this.#socket.writableNeedDrain) return;
    this.#writeFrame(opcode.pong, this.#owedPong);
    this.#owedPong = undefined;
  }

  #takeClose(content: Buffer): void {
    const code = content.length < 2 ? undefined : content.readUInt16BE(0);
    if (code !== orderly) {
      const words = content.subarray(2).toString('utf8');
      const said = [code === undefined ? 'no code' : String(code), words].join(' ').trim();
      this.destroy(this.#error(`closed on the way (${said})`));
      return;
    }
    this.#heardClose = true;
    this.push(null);
    this.#hangUpWhenSaid();
  }

  #hangUpWhenSaid(): void {
    if (this.#saidClose && this.#heardClose) this.#socket.end();
  }

  #gone(cause?: Error): void {
    if (this.#heardClose || this.destroyed) return;
    this.destroy(this.#error('the connection was cut', cause));
  }

  #error(words: string, cause?: unknown): KubeError {
    return new KubeError('Unavailable', `${this.#what}: ${words}`, { cause });
  }
}
