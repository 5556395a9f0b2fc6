import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Agent, AgentControl } from '#protocol/gen/telepresence_pb.ts';
import { openClientSession } from './client-session.ts';
import { forwardRequest } from './forward.ts';
import { rpcTransport } from './rpc-transport.ts';
import type { RpcHandler } from './server-session.ts';
import { serveSession } from './server-session.ts';
import { sessionDeps, sessionPair, socketPair } from './session.fixture.ts';
import type { SessionPair } from './session.fixture.ts';

interface Served {
  readonly rpc: RpcHandler;
  /** Resolves when the watching call was given up by its caller. */
  readonly givenUp: Promise<void>;
}

function served(): Served {
  const givenUp = Promise.withResolvers<void>();
  const rpc = connectNodeAdapter({
    routes(router) {
      router.service(Agent, {
        getEnvironment(request, context) {
          if (request.container === 'none') {
            throw new ConnectError('no such container', Code.NotFound);
          }
          context.responseHeader.set('x-pod', 'web-1');
          const asked = context.requestHeader.get('telepresence-intercept') ?? '';
          return { container: request.container, environment: { ASKED: asked } };
        },
      });
      router.service(AgentControl, {
        async *watchTakes(_request, context) {
          context.signal.addEventListener('abort', () => givenUp.resolve());
          yield { epoch: 1n };
          yield { epoch: 2n };
          await once(context.signal, 'abort');
        },
      });
    },
  });
  return { rpc, givenUp: givenUp.promise };
}

/** What must hold on one session and through a relay alike. */
async function checkCalls(
  pair: Pick<SessionPair, 'client'>,
  givenUp: Promise<void>,
): Promise<void> {
  const transport = rpcTransport(pair.client, { headers: { 'telepresence-intercept': 'u1' } });
  const agent = createClient(Agent, transport);

  const answer = await agent.getEnvironment({ container: 'web' });
  assert.deepEqual(answer.environment, { ASKED: 'u1' });

  await assert.rejects(
    agent.getEnvironment({ container: 'none' }),
    (error) => ConnectError.from(error).code === Code.NotFound,
  );

  const epochs: bigint[] = [];
  const abort = new AbortController();
  const watching = async (): Promise<void> => {
    const watch = createClient(AgentControl, transport).watchTakes({}, { signal: abort.signal });
    for await (const takes of watch) {
      epochs.push(takes.epoch);
      if (takes.epoch === 2n) abort.abort();
    }
  };
  await assert.rejects(watching(), (error) => ConnectError.from(error).code === Code.Canceled);
  assert.deepEqual(epochs, [1n, 2n]);
  await givenUp;
}

test('calls and flows share a session', async () => {
  const { rpc, givenUp } = served();
  await using pair = await sessionPair({ rpc, onFlow: (flow) => flow.refuse('Refused') });
  await assert.rejects(
    pair.client.openFlow({ authority: 'x:1', signal: AbortSignal.timeout(10_000) }),
    { code: 'Refused' },
  );
  await checkCalls(pair, givenUp);
  assert.equal(pair.client.openFlows, 0);
});

test('an answer that comes in one piece arrives where the connection is no socket', async () => {
  const { rpc } = served();
  await using sockets = await socketPair();
  await using _server = serveSession(sockets.far, { ...sessionDeps, rpc });
  const [near, middle] = duplexPair();
  middle.pipe(sockets.near);
  let held: Buffer[] = [];
  sockets.near.on('data', (bytes: Buffer) => {
    held.push(bytes);
    if (held.length > 1) return;
    // Long enough for the answer's head, its body and its end to become one piece.
    setTimeout(() => {
      middle.write(Buffer.concat(held));
      held = [];
    }, 20);
  });
  await using client = openClientSession(near, sessionDeps);
  const agent = createClient(Agent, rpcTransport(client));
  for (let round = 0; round < 5; round += 1) {
    const { container } = await agent.getEnvironment({ container: 'web' });
    assert.equal(container, 'web');
  }
});

test('a relay forwards calls untouched', async () => {
  const { rpc, givenUp } = served();
  await using behind = await sessionPair({ rpc });
  await using pair = await sessionPair({
    onRequest(stream, headers) {
      void forwardRequest(stream, headers, behind.client);
      return true;
    },
  });
  await checkCalls(pair, givenUp);
});

test('a relay without a session to forward to answers Unavailable', async () => {
  await using behind = await sessionPair({});
  behind.client.destroy(new Error('gone'));
  await using pair = await sessionPair({
    onRequest(stream, headers) {
      void forwardRequest(stream, headers, behind.client);
      return true;
    },
  });
  await assert.rejects(
    createClient(Agent, rpcTransport(pair.client)).getEnvironment({}),
    (error) => ConnectError.from(error).code === Code.Unavailable,
  );
});

test('a relay forwards trailers both ways, and a reset as a reset', async () => {
  const ends: string[] = [];
  await using behind = await sessionPair({
    onRequest(stream, headers) {
      stream.resume();
      if (headers[':path'] === '/reset') {
        stream.respond({ ':status': 200 });
        stream.write('half', () => stream.destroy(new Error('broken')));
        return true;
      }
      stream.once('trailers', (trailers) => ends.push(String(trailers['x-request'])));
      stream.respond({ ':status': 200 }, { waitForTrailers: true });
      stream.once('wantTrailers', () => stream.sendTrailers({ 'x-response': 'b' }));
      stream.end('body');
      return true;
    },
  });
  await using pair = await sessionPair({
    onRequest(stream, headers) {
      void forwardRequest(stream, headers, behind.client);
      return true;
    },
  });

  const request = pair.client.request(
    { ':method': 'POST', ':path': '/' },
    { waitForTrailers: true, endStream: false },
  );
  request.once('wantTrailers', () => request.sendTrailers({ 'x-request': 'a' }));
  request.once('trailers', (trailers) => ends.push(String(trailers['x-response'])));
  request.resume();
  request.end('body');
  await once(request, 'close');
  assert.deepEqual(ends.toSorted(), ['a', 'b']);

  const reset = pair.client.request({ ':method': 'GET', ':path': '/reset' });
  reset.resume();
  await new Promise<void>((resolve) => {
    reset.once('close', () => resolve());
  });
  assert.notEqual(reset.rstCode, 0);
});
