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
  socketPath: string,
  method: DescMethodUnary<I, O>,
): UnaryCall<I, O> {
  return async (request, options = {}) => {
    const body = toBinary(method.input, create(method.input, request));
    const response = await post(socketPath, {
      path: `/${method.parent.typeName}/${method.name}`,
      type: 'application/proto',
      body,
      ...options,
    });
    const answer = await collect(response, options.signal);
    if (response.statusCode !== 200) throw answerError(answer.toString('utf8'));
    return fromBinary(method.output, answer);
  };
}

/** The Connect protocol's call with a stream of answers. */
export function streamCall<I extends DescMessage, O extends DescMessage>(
  socketPath: string,
  method: DescMethodServerStreaming<I, O>,
): StreamCall<I, O> {
  return async function* call(request, options = {}) {
    const message = toBinary(method.input, create(method.input, request));
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(message.length, 1);
    const response = await post(socketPath, {
      path: `/${method.parent.typeName}/${method.name}`,
      type: 'application/connect+proto',
      body: Buffer.concat([head, message]),
      ...options,
    });
    if (response.statusCode !== 200) {
      throw answerError((await collect(response, options.signal)).toString('utf8'));
    }
    for await (const { flags, bytes } of envelopes(response, options.signal)) {
      if ((flags & endOfStream) === 0) {
        yield fromBinary(method.output, bytes);
        continue;
      }
      const text = bytes.toString('utf8');
      if (/"error"/.test(text)) throw answerError(text);
      return;
    }
    throw new DaemonCallError('Lost', 'the answer was cut off');
  };
}

interface Post extends CallOptions {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
}

async function post(socketPath: string, options: Post): Promise<IncomingMessage> {
  const { path, type, body, signal } = options;
  const answered = Promise.withResolvers<IncomingMessage>();
  // `import` of node:http would fetch every lazy part of it, undici too.
  const light: typeof http = createRequire(import.meta.url)('node:http');
  const request = light.request({
    socketPath,
    agent: false,
    path,
    method: 'POST',
    headers: {
      'content-type': type,
      'content-length': body.length,
      'connect-protocol-version': '1',
    },
    ...(signal === undefined ? {} : { signal }),
  });
  request.once('error', (error) => answered.reject(lost(error, signal)));
  request.once('response', answered.resolve);
  request.end(body);
  return await answered.promise;
}

async function collect(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(chunksOf(response, signal)));
}

async function* chunksOf(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
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
  signal: AbortSignal | undefined,
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

function lost(error: Error, signal: AbortSignal | undefined): Error {
  // Node's own errors differ by what it was waiting for.
  const aborted = signal?.aborted === true;
  return new DaemonCallError(aborted ? 'Aborted' : 'Lost', error.message, { cause: error });
}
