// Runs in a pod's network: asks each target steadily by every protocol, by connections that stay and
// by new ones. Prints a LoadRecord as JSON for each request. SIGTERM: asks no more, waits for what it
// has asked, and ends. Argv: NAME=HOST:HTTP-PORT:PG-PORT …
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import pg from 'pg';
import { WebSocket } from 'ws';
import { describe, systemCode } from '#base/errors.ts';
import { Cluster } from '#protocol/gen/telepresence_pb.ts';
import { patienceMs, type FlowKind, type LoadRecord } from './record.ts';
import { watchStalls } from './stalls.ts';

/** A connection of a client: asks with an id, answers `WHO ID`. */
interface Line {
  ask(id: string): Promise<string>;
  close(): void;
  /** It ended while nobody asked. */
  readonly ended: boolean;
}

interface Target {
  readonly name: string;
  readonly host: string;
  readonly httpPort: number;
  readonly pgPort: number;
}

type Open = (target: Target) => Promise<Line>;
const within = (): AbortSignal => AbortSignal.timeout(patienceMs);

function httpLine(method: 'GET' | 'POST'): Open {
  return async ({ host, httpPort }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let known: unknown;
    let ended = false;
    return {
      ask(id) {
        const { promise, resolve, reject } = Promise.withResolvers<string>();
        const path = method === 'GET' ? id : '/';
        const request = http.request(
          { host, port: httpPort, method, path, agent, signal: within() },
          (response) => {
            text(response).then(resolve, reject);
          },
        );
        request.once('socket', (socket) => {
          if (socket === known) return;
          known = socket;
          socket.once('close', () => {
            ended = true;
          });
        });
        request.on('error', reject);
        request.end(method === 'GET' ? undefined : id);
        return promise;
      },
      close: () => agent.destroy(),
      get ended() {
        return ended;
      },
    };
  };
}

const webSocketLine: Open = async ({ host, httpPort }) => {
  const socket = new WebSocket(`ws://${host}:${String(httpPort)}/`, {
    handshakeTimeout: patienceMs,
  });
  let waiting: PromiseWithResolvers<string> | undefined;
  const opened = Promise.withResolvers<void>();
  let ended = false;
  const fail = (error: Error): void => {
    ended = true;
    opened.reject(error);
    waiting?.reject(error);
  };
  socket.on('open', opened.resolve);
  socket.on('error', fail);
  socket.on('close', (code) => fail(new Error(`closed ${String(code)}`)));
  socket.on('message', (data: Buffer) => waiting?.resolve(data.toString()));
  await opened.promise;
  return {
    async ask(id) {
      waiting = Promise.withResolvers();
      const timer = setTimeout(() => socket.terminate(), patienceMs);
      socket.send(id);
      try {
        return await waiting.promise;
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => socket.close(),
    get ended() {
      return ended;
    },
  };
};

const grpcLine: Open = async ({ host, httpPort }) => {
  const baseUrl = `http://${host}:${String(httpPort)}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const client = createClient(Cluster, createGrpcTransport({ baseUrl, sessionManager }));
  return {
    async ask(id) {
      const { answer } = await client.lookup({ query: Buffer.from(id) }, { timeoutMs: patienceMs });
      return String(Buffer.from(answer));
    },
    close: () => sessionManager.abort(),
    get ended() {
      const state = sessionManager.state();
      return state === 'closed' || state === 'error';
    },
  };
};

const postgresLine: Open = async ({ host, pgPort }) => {
  const client = new pg.Client({
    host,
    port: pgPort,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
  });
  let ended = false;
  client.on('error', () => {
    ended = true;
  });
  client.on('end', () => {
    ended = true;
  });
  await client.connect();
  return {
    async ask(id) {
      const said = `insert into handled values ($1) returning current_setting('cluster_name') as who`;
      const { rows } = await client.query(said, [id]);
      return `${rows[0]?.['who'] ?? ''} ${id}`;
    },
    close: () => void client.end().catch(() => {}),
    get ended() {
      return ended;
    },
  };
};

const stalls = watchStalls();
let count = 0;
const tell = (record: LoadRecord): void => console.log(JSON.stringify(record));

const stopped = new AbortController();
process.once('SIGTERM', () => stopped.abort());

/** Asks by connections that stay until they end, and by another one then. */
async function keep(kind: FlowKind, target: Target, open: Open, everyMs: number): Promise<void> {
  while (!stopped.signal.aborted) await useOne(kind, target, open, everyMs);
}

/** Opens a connection and asks until it fails, or once. */
async function useOne(
  kind: FlowKind,
  target: Target,
  open: Open,
  everyMs: number | undefined,
): Promise<void> {
  const openedAt = Date.now();
  let line: Line | undefined;
  let before: string | undefined;
  let saidAt = openedAt;
  let askedBefore = openedAt;
  for (let nth = 0; ; nth += 1) {
    if (line?.ended === true) return;
    count += 1;
    const id = `/${kind.replaceAll(' ', '-')}/${target.name}/${String(count)}`;
    const askedAt = nth === 0 ? openedAt : Date.now();
    const asked = {
      kind,
      target: target.name,
      id,
      openedAt,
      nth,
      askedAt,
      idleMs: askedAt - saidAt,
      ...(before === undefined ? {} : { before }),
    };
    const ended = (): Pick<LoadRecord, 'endedAt' | 'stalledMs'> => ({
      stalledMs: stalls.since(askedBefore),
      endedAt: Date.now(),
    });
    try {
      line ??= await open(target);
      const [by = '', echo] = (await line.ask(id)).split(' ');
      if (echo !== id) throw new Error(`answer of another request: ${echo ?? ''}`);
      const answered = ended();
      tell({ ...asked, ...answered, by });
      saidAt = answered.endedAt;
      askedBefore = askedAt;
      before = by;
    } catch (error) {
      const code = systemCode(error);
      const said = describe(error).replaceAll('\n', ' ');
      tell({ ...asked, ...ended(), error: code === undefined ? said : `${code} ${said}` });
      line?.close();
      return;
    }
    if (everyMs === undefined || stopped.signal.aborted) {
      line.close();
      return;
    }
    await sleep(everyMs);
  }
}

async function fresh(kind: FlowKind, target: Target, open: Open, everyMs: number): Promise<void> {
  const asking = new Set<Promise<void>>();
  while (!stopped.signal.aborted) {
    const one = useOne(kind, target, open, undefined).finally(() => asking.delete(one));
    asking.add(one);
    await sleep(everyMs);
    // A machine that cannot keep up is not to be buried.
    if (asking.size >= 4) await Promise.race(asking);
  }
}

for (const word of process.argv.slice(2)) {
  const [name = '', address = ''] = word.split('=');
  const [host = '', httpPort, pgPort] = address.split(':');
  const target = { name, host, httpPort: Number(httpPort), pgPort: Number(pgPort) };
  void keep('http kept busy', target, httpLine('GET'), 120);
  void keep('http kept idle', target, httpLine('GET'), 450);
  void fresh('http new', target, httpLine('GET'), 250);
  void fresh('http post new', target, httpLine('POST'), 400);
  void keep('websocket kept', target, webSocketLine, 120);
  void fresh('websocket new', target, webSocketLine, 900);
  void keep('grpc kept', target, grpcLine, 120);
  void fresh('grpc new', target, grpcLine, 800);
  void keep('postgres kept', target, postgresLine, 120);
  void fresh('postgres new', target, postgresLine, 700);
}
