import { duplexPair, type Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { retry, withDeadline } from '#base/wait.ts';
import { beatType, silentMs } from '#protocol/sftp/files-port.ts';
import { packetTypes, statusCodes } from '#protocol/sftp/numbers.ts';
import { createPacketReader, type SftpPacket } from '#protocol/sftp/packets.ts';
import { encodeReply, encodeVersion } from '#protocol/sftp/reply.ts';
import { encodeInit, encodeRequest } from '#protocol/sftp/request.ts';
import { VolumePluginError } from '../errors.ts';
import { ofThisTime, withId, withMark, type Marked } from './handle-marks.ts';

interface Deps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** A new connection, granted; SFTP begins on it. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
}

/**
 * The way to one container's files, for as long as a volume shows some of them. When it is lost, whoever
 * reads is told so at once, and it is dialled again and again; sshfs notices neither, and goes on.
 */
export interface Link extends Disposable {
  /** Resolves when files can be read; rejects when they cannot within a time, with why. */
  ready(signal: AbortSignal): Promise<void>;
  /** One more client of SFTP: the end of a stream that it is to have. */
  join(): Duplex;
}

interface Client {
  readonly stream: Duplex;
  /** What it has open on the other side. */
  readonly handles: Set<string>;
}

/** A request that was passed on; without a client nobody waits for its reply any more. */
interface Passed {
  client: Client | undefined;
  readonly id: number;
  readonly since: number;
}

/** The connection of the moment; handles are of one time only. */
interface Up {
  readonly stream: Duplex;
  readonly time: number;
}

const readyMs = 5000;
const lookEveryMs = 250;
/** A look that comes so late tells of this process, and not of the other end. */
const lateMs = 1000;
/** An agent may wait for a disk; what waits for it here must end, or no container could be removed. */
const answerMs = 20_000;
const pauseMs = 100;

/** Begins to dial at once. */
export function openLink(deps: Deps): Link {
  const { clock, log } = deps;
  const stopped = new AbortController();
  const clients = new Set<Client>();
  const passed = new Map<number, Passed>();
  let next = 0;
  let times = 0;
  let why = 'the files are not reached yet';
  let up: Up | undefined;
  let came = Promise.withResolvers<undefined>();

  const tell = (client: Client, id: number, code: number): void => {
    const message = code === statusCodes.noConnection ? why : '';
    client.stream.write(encodeReply(id, { kind: 'status', code, message }));
  };
  const send = (bytes: Buffer): void => {
    if (up === undefined || up.stream.write(bytes)) return;
    for (const { stream } of clients) stream.pause();
  };
  const goOn = (): void => {
    for (const { stream } of clients) stream.resume();
  };
  const pass = (client: Client | undefined, id: number, bytes: (id: number) => Buffer): void => {
    next = (next + 1) % 0x1_0000_0000;
    passed.set(next, { client, id, since: clock.monotonic() });
    send(bytes(next));
  };
  const closeHandle = (handle: string): void => {
    pass(undefined, 0, (id) => encodeRequest(id, { kind: 'close', handle }));
  };
  /** Nobody waits longer for what will not come. */
  const giveUp = (since: number): void => {
    for (const one of passed.values()) {
      const { client } = one;
      if (client === undefined || one.since > since) continue;
      one.client = undefined;
      tell(client, one.id, statusCodes.noConnection);
    }
  };

  /** A reply of the other side, to whoever asked. */
  const onReply = ({ type, body }: SftpPacket, time: number): void => {
    const id = body.readUInt32BE();
    const asked = passed.get(id);
    passed.delete(id);
    if (asked === undefined) throw new RangeError('a reply that nobody asked for');
    const { client } = asked;
    const isHandle = type === packetTypes.handle;
    if (client === undefined || !clients.has(client)) {
      if (isHandle) closeHandle(withMark(body, time).handle);
      return;
    }
    if (!isHandle) {
      client.stream.write(withId({ type, body }, asked.id));
      return;
    }
    const { marked, handle } = withMark(body, time);
    client.handles.add(handle);
    client.stream.write(encodeReply(asked.id, { kind: 'handle', handle: marked }));
  };

  /** A request of a client, passed on where it can be. */
  const onRequest = (client: Client, packet: SftpPacket): void => {
    if (packet.type === packetTypes.init) {
      client.stream.write(encodeVersion());
      return;
    }
    const id = packet.body.readUInt32BE();
    const read: Marked = ofThisTime(packet, up?.time ?? 0);
    if (read.kind === 'unknown') tell(client, id, statusCodes.unsupported);
    else if (read.kind === 'past' && packet.type === packetTypes.close) {
      tell(client, id, statusCodes.ok);
    } else if (up === undefined || read.kind === 'past') tell(client, id, statusCodes.noConnection);
    else {
      if (read.kind === 'handle' && packet.type === packetTypes.close) {
        client.handles.delete(read.handle);
      }
      pass(client, id, (own) => withId({ type: packet.type, body: read.body }, own));
    }
  };

  /** Resolves with why, when the connection is over. */
  const carry = async (stream: Duplex): Promise<string> => {
    const over = Promise.withResolvers<string>();
    const end = (reason: string): void => {
      over.resolve(reason);
      stream.destroy();
    };
    const reader = createPacketReader();
    times += 1;
    const time = times;
    let heard = clock.monotonic();
    let looked = heard;
    using _looking = clock.every(lookEveryMs, () => {
      const now = clock.monotonic();
      // This process itself was stopped: what came meanwhile is read after this only.
      const isLate = now - looked > lateMs;
      looked = now;
      if (isLate) {
        heard = now;
        return;
      }
      if (now - heard > silentMs) end('nothing was heard for 2 s');
      giveUp(now - answerMs);
    });
    stream.on('data', (chunk: Buffer) => {
      heard = clock.monotonic();
      try {
        for (const packet of reader.push(chunk)) {
          if (packet.type === beatType) continue;
          if (packet.type === packetTypes.version) {
            up = { stream, time };
            came.resolve(undefined);
            log.info('files are reached');
          } else onReply(packet, time);
        }
      } catch (error) {
        end(`the other end speaks no SFTP: ${describe(error)}`);
      }
    });
    stream.on('drain', goOn);
    stream.once('error', (error) => end(describe(error)));
    stream.once('end', () => end('the other end has closed'));
    stream.once('close', () => end('the connection was closed'));
    const stop = (): void => end('no longer wanted');
    stopped.signal.addEventListener('abort', stop, { once: true });
    stream.write(encodeInit(3));
    // Whoever dialled it has paused it.
    stream.resume();
    try {
      return await over.promise;
    } finally {
      stopped.signal.removeEventListener('abort', stop);
    }
  };

  const run = async (): Promise<never> => {
    const { signal } = stopped;
    const options = { firstMs: 100, lastMs: 1000, signal };
    const onFailure = (reason: string): void => {
      why = reason;
    };
    for (;;) {
      const stream = await retry(deps, { ...options, onFailure }, async () => {
        return await deps.dial(signal);
      });
      why = await carry(stream);
      if (up !== undefined) came = Promise.withResolvers();
      up = undefined;
      log.info('files are out of reach', { reason: why });
      giveUp(Number.POSITIVE_INFINITY);
      passed.clear();
      for (const { handles } of clients) handles.clear();
      goOn();
      await clock.sleep(pauseMs, signal);
    }
  };
  run().catch(() => {});

  return {
    async ready(signal) {
      const waiting = { ms: readyMs, what: 'files', signal };
      await withDeadline(deps, waiting, async () => await came.promise).catch((error: unknown) => {
        signal.throwIfAborted();
        throw new VolumePluginError('Refused', `the files are out of reach: ${why}`, {
          cause: error,
        });
      });
    },
    join() {
      const [stream, theirs] = duplexPair();
      const client: Client = { stream, handles: new Set() };
      const reader = createPacketReader();
      const leave = (): void => {
        stream.destroy();
        if (!clients.delete(client) || up === undefined) return;
        for (const handle of client.handles) closeHandle(handle);
      };
      clients.add(client);
      stream.on('data', (chunk: Buffer) => {
        try {
          for (const packet of reader.push(chunk)) onRequest(client, packet);
        } catch (error) {
          log.warning('a client speaks no SFTP', { reason: describe(error) });
          leave();
        }
      });
      for (const event of ['error', 'end', 'close'] as const) stream.once(event, leave);
      theirs.on('error', () => {});
      theirs.once('close', leave);
      return theirs;
    },
    [Symbol.dispose]() {
      stopped.abort(new Error('no longer wanted'));
      for (const { stream } of clients) stream.destroy();
      clients.clear();
    },
  };
}
