/** A piece of one flow's bytes that waits for the link; `sent` is called when the link has taken it. */
interface Piece {
  readonly bytes: number;
  readonly sent: () => void;
}

/**
 * One direction of a link that carries so many bits a second and gives every flow an equal share,
 * as routers with fair queues do. It holds what waits; it drops nothing.
 */
export class FairLink {
  readonly #msPerByte: number;
  /** The flows that wait, the next one first. */
  readonly #waiting = new Map<object, Piece[]>();
  #freeAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(megabitsPerSecond: number) {
    this.#msPerByte = 8 / (megabitsPerSecond * 1000);
  }

  /** Sends a piece after all earlier ones of the same flow. */
  send(flow: object, bytes: number, sent: () => void): void {
    const pieces = this.#waiting.get(flow);
    if (pieces === undefined) this.#waiting.set(flow, [{ bytes, sent }]);
    else pieces.push({ bytes, sent });
    if (this.#timer === undefined) this.#wake(this.#freeAt - performance.now());
  }

  /** Forgets what a flow still has waiting. */
  drop(flow: object): void {
    this.#waiting.delete(flow);
  }

  #pump = (): void => {
    this.#timer = undefined;
    const now = performance.now();
    this.#freeAt = Math.max(this.#freeAt, now);
    // Timers are no finer than a millisecond.
    while (this.#freeAt < now + 1) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [flow, pieces] = next;
      const piece = pieces.shift();
      this.#waiting.delete(flow);
      if (pieces.length > 0) this.#waiting.set(flow, pieces);
      if (piece === undefined) continue;
      this.#freeAt += piece.bytes * this.#msPerByte;
      piece.sent();
    }
    if (this.#waiting.size > 0) this.#wake(this.#freeAt - now);
  };

  #wake(ms: number): void {
    this.#timer = setTimeout(this.#pump, Math.max(0, ms));
  }
}
