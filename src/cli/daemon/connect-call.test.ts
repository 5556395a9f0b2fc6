import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, toJson, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type ServiceImpl } from '@connectrpc/connect';
import { connectNodeAdapter, createConnectTransport } from '@connectrpc/connect-node';
import fc from 'fast-check';
import {
  ConnectEventSchema,
  FailureSchema,
  StatusResponseSchema,
  UserDaemon,
} from '#protocol/gen/telepresence_pb.ts';
import { DaemonCallError } from './answer-error.ts';
import { createUserDaemonClient } from './user-daemon-client.ts';

type Service = Partial<ServiceImpl<typeof UserDaemon>>;
type Answer = { readonly messages: readonly unknown[]; readonly error?: unknown };

/** The library's server on a unix socket, and both clients of it. */
async function serve(service: Service) {
  const directory = await mkdtemp(join(tmpdir(), 'tp-'));
  const path = join(directory, 'api.sock');
  const routes = connectNodeAdapter({
    routes: (router) => {
      router.service(UserDaemon, service);
    },
  });
  const server = createServer(routes).listen(path);
  await once(server, 'listening');
  const transport = createConnectTransport({
    httpVersion: '1.1',
    baseUrl: 'http://user-daemon',
    useBinaryFormat: true,
    nodeOptions: { socketPath: path },
  });
  return {
    path,
    server,
    ours: createUserDaemonClient(path),
    library: createClient(UserDaemon, transport),
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await rm(directory, { recursive: true });
    },
  };
}

/** What a caller learns of an error, whichever client it comes from. */
function learned(error: unknown): unknown {
  if (error instanceof DaemonCallError) {
    assert.equal(error.code, 'Told');
    return { message: error.message, failure: shown(FailureSchema, error.failure) };
  }
  const told = ConnectError.from(error);
  return {
    message: told.rawMessage,
    failure: shown(FailureSchema, told.findDetails(FailureSchema)[0]),
  };
}

function shown<D extends DescMessage>(schema: D, message: MessageShape<D> | undefined): unknown {
  return message === undefined ? undefined : toJson(schema, message);
}

async function answerOf<D extends DescMessage>(
  schema: D,
  run: () => AsyncIterable<MessageShape<D>> | Promise<MessageShape<D>>,
): Promise<Answer> {
  const messages: unknown[] = [];
  try {
    const answer = run();
    const all = Symbol.asyncIterator in answer ? answer : [await answer];
    for await (const message of all) messages.push(toJson(schema, message));
    return { messages };
  } catch (error) {
    return { messages, error: learned(error) };
  }
}

const failure = { code: 'PortTaken', message: 'port 1', facts: { port: '1', owner: 'ä "b"\n' } };
const errors: readonly Error[] = [
  new ConnectError('port 1', Code.AlreadyExists, undefined, [
    { desc: FailureSchema, value: failure },
  ]),
  new ConnectError('other details', Code.Internal, undefined, [
    { desc: StatusResponseSchema, value: { status: 'x' } },
    { desc: FailureSchema, value: failure },
  ]),
  new ConnectError('no details: ü\n', Code.Unavailable),
  new Error('a bug'),
];

/** Short ones, and ones that come in many pieces. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.nat(200_000).map((length) => 'x'.repeat(length)),
);
const status = fc.record({
  status: text,
  error: text,
  rttMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  mappedNamespaces: fc.array(fc.string()),
});
const progress = fc.array(text, { maxLength: 20 });
const ending = fc.option(fc.constantFrom(...errors), { nil: undefined });

test('both clients learn the same of a call with one answer', async () => {
  let answer: () => MessageShape<typeof StatusResponseSchema> = () => create(StatusResponseSchema);
  await using api = await serve({ status: () => answer() });
  const check = async (next: typeof answer): Promise<Answer> => {
    answer = next;
    const ours = await answerOf(StatusResponseSchema, async () => await api.ours.status({}));
    const library = await answerOf(StatusResponseSchema, async () => await api.library.status({}));
    assert.deepEqual(ours, library);
    return ours;
  };
  await fc.assert(
    fc.asyncProperty(status, async (value) => {
      const { messages } = await check(() => create(StatusResponseSchema, value));
      assert.equal(messages.length, 1);
    }),
    { numRuns: 30 },
  );
  for (const error of errors) {
    const { error: told } = await check(() => {
      throw error;
    });
    assert.notEqual(told, undefined);
  }
  const missing = async (run: () => Promise<unknown>): Promise<unknown> =>
    await run().then(() => assert.fail('there is no such call'), learned);
  assert.deepEqual(
    await missing(async () => await api.ours.quit({})),
    await missing(async () => await api.library.quit({})),
  );
});

test('both clients learn the same of a stream, up to its error', async () => {
  let events: readonly string[] = [];
  let end: Error | undefined;
  let asked: unknown;
  await using api = await serve({
    async *connect(request) {
      asked = request;
      for (const value of events) yield { event: { case: 'progress', value } };
      await Promise.resolve();
      if (end !== undefined) throw end;
    },
  });
  await fc.assert(
    fc.asyncProperty(progress, ending, fc.string(), async (texts, error, name) => {
      events = texts;
      end = error;
      const ours = await answerOf(ConnectEventSchema, () => api.ours.connect({ name }));
      const first = asked;
      const library = await answerOf(ConnectEventSchema, () => api.library.connect({ name }));
      assert.deepEqual(ours, library);
      assert.deepEqual(first, asked);
      assert.equal(ours.messages.length, texts.length);
    }),
    { numRuns: 40 },
  );
});

test('a stream that is cut off, given up, or not there', async () => {
  let ended = Promise.withResolvers<undefined>();
  await using api = await serve({
    async *connect(request, { signal }) {
      const { promise, resolve } = (ended = Promise.withResolvers<undefined>());
      signal.addEventListener('abort', () => resolve(undefined));
      yield { event: { case: 'progress', value: 'begun' } };
      if (request.name === 'cut') api.server.closeAllConnections();
      await promise;
    },
  });
  const fails = async (events: AsyncIterable<unknown>, code: string): Promise<void> => {
    await assert.rejects(Array.fromAsync(events), { name: 'DaemonCallError', code });
  };
  await fails(api.ours.connect({ name: 'cut' }), 'Lost');

  const giveUp = new AbortController();
  const events = api.ours.connect({}, { signal: giveUp.signal });
  assert.equal((await events.next()).done, false);
  giveUp.abort();
  await fails(events, 'Aborted');
  await ended.promise;

  await fails(createUserDaemonClient(`${api.path}.none`).connect({}), 'Lost');
});
