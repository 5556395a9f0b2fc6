import { randomFillSync } from 'node:crypto';
import { Duplex } from 'node:stream';
import { KubeError } from './errors.ts';
import { createFrameReader, encodeFrame, opcode, type FramePiece } from './websocket-frames.ts';

// The kubelet reads whole messages: one that is too long makes the others wait.
const longestMessage = 64 * 1024;
const dataChannel = 0;
const portBytes = 2;
const longestWords = 4096;

/**
 * Raw bytes over the kubelet's `v4.channel.k8s.io` (port-forward of one port) on an upgraded
 * socket. Each message starts with its channel: 0 data, 1 error; the first two bytes on each are the
 * port. A slow side stops the other in both directions. The protocol knows no half-close: the end
 * of either side arrives after all its bytes, and ends both.
 */
export function createPortForwardDuplex(socket: Duplex, what: string): Duplex {
  return new PortForwardDuplex(socket, what);
}

class PortForwardDuplex extends Duplex {
  readonly #socket: Duplex;
  readonly #what: string;
  readonly #readFrames = createFrameReader('server');
  readonly #skip = [portBytes, portBytes];
  #channel = dataChannel;
  #control = Buffer.alloc(0);
  #words = '';
  #closing = false;
  #ended = false;

  constructor(socket: Duplex, what: string) {
    // No half-open: when the other side has ended, so do we.
    super({ allowHalfOpen: false, highWaterMark: longestMessage });
    this.#socket = socket;
    this.#what = what;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('end', () => this.#gone());
    socket.on('close', () => this.#gone());
    socket.on('error', (error: Error) => {
      if (!this.#closing) this.destroy(this.#error('the connection was cut', error));
    });
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
    this.#closing = true;
    // 1000: all was said (RFC 6455 §7.4.1). The kubelet then closes the whole connection.
    this.#socket.end(frame(opcode.close, Buffer.from([0x03, 0xe8])), () => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closing = true;
    this.#socket.destroy();
    done(error);
  }

  #send(chunks: readonly Buffer[], done: (error?: Error | null) => void): void {
    const bytes = Buffer.concat([Buffer.from([dataChannel]), ...chunks]);
    let room = this.#socket.write(frame(opcode.binary, bytes.subarray(0, longestMessage)));
    for (let at = longestMessage; at < bytes.length; at += longestMessage - 1) {
      const part = bytes.subarray(at, at + longestMessage - 1);
      room = this.#socket.write(
        frame(opcode.binary, Buffer.concat([Buffer.from([dataChannel]), part])),
      );
    }
    if (room) done();
    else this.#socket.once('drain', done);
  }

  #receive(chunk: Buffer): void {
    let room = true;
    try {
      for (const piece of this.#readFrames(chunk)) {
        if (this.destroyed || this.#ended) return;
        if (piece.opcode >= opcode.close) this.#takeControl(piece);
        else room = this.#takeMessage(piece) && room;
      }
    } catch (error) {
      this.destroy(this.#error('the answer is broken', error));
      return;
    }
    if (!room) this.#socket.pause();
  }

  #takeMessage(piece: FramePiece): boolean {
    let { payload } = piece;
    if (piece.first) this.#channel = -1;
    if (this.#channel === -1) {
      const [channel] = payload;
      if (channel === undefined) return true;
      this.#channel = channel;
      payload = payload.subarray(1);
    }
    const skip = Math.min(this.#skip[this.#channel] ?? 0, payload.length);
    if (skip > 0) this.#skip[this.#channel] = (this.#skip[this.#channel] ?? 0) - skip;
    payload = payload.subarray(skip);
    if (payload.length === 0) return true;
    if (this.#channel === dataChannel) return this.push(payload);
    // The kubelet's own words; it closes right after them.
    this.#words = (this.#words + payload.toString('utf8')).slice(0, longestWords);
    return true;
  }

  #takeControl(piece: FramePiece): void {
    this.#control = Buffer.concat([this.#control, piece.payload]);
    if (!piece.last) return;
    const content = this.#control;
    this.#control = Buffer.alloc(0);
    if (piece.opcode === opcode.ping && !this.#closing) {
      this.#socket.write(frame(opcode.pong, content));
    }
    if (piece.opcode === opcode.close) this.#over();
  }

  #over(): void {
    this.#ended = true;
    if (this.#words !== '') this.destroy(this.#error(this.#words));
    else this.push(null);
  }

  #gone(): void {
    if (this.#ended || this.destroyed) return;
    // After our own Close frame the other side may just hang up; before it, that is a loss.
    if (this.#closing || this.#words !== '') this.#over();
    else this.destroy(this.#error('the connection was cut'));
  }

  #error(words: string, cause?: unknown): KubeError {
    return new KubeError('Unavailable', `${this.#what}: ${words}`, { cause });
  }
}

function frame(code: number, payload: Uint8Array): Buffer {
  return encodeFrame(code, payload, randomFillSync(new Uint8Array(4)));
}
