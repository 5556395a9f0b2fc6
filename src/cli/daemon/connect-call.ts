import type http from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { toError } from '#base/errors.ts';
import { answerError, DaemonCallError } from './answer-error.ts';
import { tokenHeader } from '#protocol/helper-port.ts';
import { addressOf, watchDaemon, type DaemonSocket } from './still-there.ts';

interface CallOptions {
  readonly signal?: AbortSignal;
}

/** A call with one answer, by a unix socket. */
export type UnaryCall<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  options?: CallOptions,
) => Promise<MessageShape<O>>;

/** A call with a stream of answers. */
export type StreamCall<I extends DescMessage, O extends DescMessage> = (
  request: MessageInitShape<I>,
  options?: CallOptions,
) => AsyncGenerator<MessageShape<O>>;

/** Bytes of an envelope before its message: flags and length. */
const headBytes = 5;
const endOfStream = 2;

/**
 * The Connect protocol's unary call. Ours and not the library's: that loads undici and node:http2,
 * which takes longer than all the rest of most commands.
 */
export function unaryCall<I extends DescMessage, O extends DescMessage>(
  socket: DaemonSocket,
  method: DescMethodUnary<I, O>,
): UnaryCall<I, O> {
  return async (request, options = {}) => {
    const body = toBinary(method.input, create(method.input, request));
    using watch = watchDaemon(socket);
    const signal = eitherOf(watch.signal, options.signal);
    const response = await post(socket, {
      path: `/${method.parent.typeName}/${method.name}`,
      type: 'application/proto',
      body,
      signal,
    });
    const answer = await collect(response, signal);
    if (response.statusCode !== 200) throw answerError(answer.toString('utf8'));
    return fromBinary(method.output, answer);
  };
}

/**
 * The Connect protocol's call with a stream of answers. From a message on that `isHeld` is true of, the
 * stream is only kept open: a daemon that is stopped for a while then has not lost what it stands for.
 */
export function streamCall<I extends DescMessage, O extends DescMessage>(
  socket: DaemonSocket,
  method: DescMethodServerStreaming<I, O>,
  isHeld: (message: MessageShape<O>) => boolean = () => false,
): StreamCall<I, O> {
  return async function* call(request, options = {}) {
    const message = toBinary(method.input, create(method.input, request));
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(message.length, 1);
    using watch = watchDaemon(socket);
    const signal = eitherOf(watch.signal, options.signal);
    const response = await post(socket, {
      path: `/${method.parent.typeName}/${method.name}`,
      type: 'application/connect+proto',
      body: Buffer.concat([head, message]),
      signal,
    });
    if (response.statusCode !== 200) {
      throw answerError((await collect(response, signal)).toString('utf8'));
    }
    for await (const { flags, bytes } of envelopes(response, signal)) {
      if ((flags & endOfStream) === 0) {
        const told = fromBinary(method.output, bytes);
        if (isHeld(told)) watch[Symbol.dispose]();
        yield told;
        continue;
      }
      const text = bytes.toString('utf8');
      if (/"error"/.test(text)) throw answerError(text);
      return;
    }
    throw new DaemonCallError('Lost', 'the answer was cut off');
  };
}

function eitherOf(one: AbortSignal, other: AbortSignal | undefined): AbortSignal {
  return other === undefined ? one : AbortSignal.any([one, other]);
}

interface Post {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
}

async function post(socket: DaemonSocket, options: Post): Promise<IncomingMessage> {
  const { path, type, body, signal } = options;
  const answered = Promise.withResolvers<IncomingMessage>();
  // `import` of node:http would fetch every lazy part of it, undici too.
  const light: typeof http = createRequire(import.meta.url)('node:http');
  const request = light.request({
    ...addressOf(socket),
    agent: false,
    path,
    method: 'POST',
    headers: {
      'content-type': type,
      'content-length': body.length,
      'connect-protocol-version': '1',
      ...('token' in socket ? tokenHeader(socket.token) : {}),
    },
    signal,
  });
  request.once('error', (error) => answered.reject(lost(error, signal)));
  request.once('response', answered.resolve);
  request.end(body);
  return await answered.promise;
}

async function collect(response: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunksOf(response, signal)));
}

async function* chunksOf(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  } catch (error) {
    throw lost(toError(error), signal);
  }
}

async function* envelopes(
  response: IncomingMessage,
  signal: AbortSignal,
): AsyncGenerator<{ readonly flags: number; readonly bytes: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksOf(response, signal)) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= headBytes) {
      const end = headBytes + rest.readUInt32BE(1);
      if (rest.length < end) break;
      yield { flags: rest.readUInt8(0), bytes: rest.subarray(headBytes, end) };
      rest = rest.subarray(end);
    }
  }
}

function lost(error: Error, { aborted, reason }: AbortSignal): Error {
  if (aborted && reason instanceof DaemonCallError) return reason;
  // Node's own errors differ by what it was waiting for.
  return new DaemonCallError(aborted ? 'Aborted' : 'Lost', error.message, { cause: error });
}
