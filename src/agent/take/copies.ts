import type { Socket } from 'node:net';

import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';

import { signOf } from '../probe/sign.ts';
import type { Inbound } from './accept.ts';
import { createCopy, type Copy, type CopyBudget } from './copy.ts';

interface Copied {
  /** The wiretaps of its port. */
  readonly interceptUids: readonly string[];
  /** What the client has said already, where that was read before. */
  readonly first?: Buffer | undefined;
  /** It may be a probe of the kubelet, which nobody wants to see: that shows in its first bytes. */
  readonly mayBeProbe: boolean;
}

/** What clients say, on its way to laptops that only listen. Nothing that becomes of it touches the original. */
export interface Copies {
  /** Copies that are under way. */
  readonly size: number;
  /** Copies what a client says from now on; it must not flow yet. */
  copy(client: Socket, copied: Copied): void;
  /** Ends the copies of all but these intercepts. */
  retain(interceptUids: ReadonlySet<string>): void;
}

interface Deps {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  /** The ways to the laptop of an intercept, the best first; empty while there is none. */
  readonly inbound: (interceptUid: string) => readonly Pick<Inbound, 'session'>[];
}

/** A request whose sign is not read by then is no probe. */
const lookBytes = 32 * 1024;

/** Nothing is copied yet. */
export function createCopies(deps: Deps): Copies {
  const budget: CopyBudget = { used: 0 };
  const copies = new Set<Copy>();
  const warned = new Set<string>();

  const onOver = (copy: Copy, lost: string | undefined): void => {
    copies.delete(copy);
    if (lost === undefined) return;
    const { interceptUid } = copy;
    // There may be thousands of a laptop that hangs.
    const level = warned.has(interceptUid) ? 'debug' : 'warning';
    warned.add(interceptUid);
    deps.log[level]('copy lost', { intercept: interceptUid, reason: lost });
  };

  const open = (interceptUid: string, source: string): Copy => {
    const session: Parameters<typeof createCopy>[0]['session'] = () =>
      deps.inbound(interceptUid)[0]?.session;
    const copy = createCopy({ ...deps, budget, session, onOver }, { interceptUid, source });
    copies.add(copy);
    return copy;
  };

  return {
    get size() {
      return copies.size;
    },
    copy(client, { interceptUids, first, mayBeProbe }) {
      if (interceptUids.length === 0 || client.destroyed) return;
      const source = `${client.remoteAddress}:${client.remotePort}`;
      const own = interceptUids.map((uid) => open(uid, source));
      const give = (chunk: Buffer): void => {
        for (const each of own) each.write(chunk);
      };
      let unseen: Buffer | undefined = mayBeProbe ? Buffer.alloc(0) : undefined;
      const onData = (chunk: Buffer): void => {
        if (unseen === undefined) {
          give(chunk);
          return;
        }
        unseen = Buffer.concat([unseen, chunk]);
        const sign = signOf(unseen);
        if (sign === 'kubelet') finish();
        else if (sign === 'other' || unseen.length > lookBytes) settle();
      };
      const settle = (): void => {
        if (unseen !== undefined && unseen.length > 0) give(unseen);
        unseen = undefined;
      };
      const finish = (): void => {
        client.off('data', onData).off('end', onEnd).off('close', onClose);
        for (const each of own) each.end();
      };
      const onEnd = (): void => {
        settle();
        finish();
      };
      const onClose = (): void => {
        client.off('data', onData).off('end', onEnd);
        for (const each of own) each.reset(new Error('the connection was reset'));
      };
      if (first !== undefined) onData(first);
      client.on('data', onData).once('end', onEnd).once('close', onClose);
      if (client.readableEnded) onEnd();
    },
    retain(interceptUids) {
      for (const uid of warned) if (!interceptUids.has(uid)) warned.delete(uid);
      for (const copy of copies) {
        if (!interceptUids.has(copy.interceptUid)) copy.reset(new Error('the wiretap has ended'));
      }
    },
  };
}
