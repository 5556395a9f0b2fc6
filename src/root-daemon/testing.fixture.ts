import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient, type Client } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';

import { answerDnsQuery } from '#protocol/dns-answer.ts';
import { decodeDnsMessage, dnsCodes, type DnsMessage } from '#protocol/dns-message.ts';
import { createDnsFrameReader, frameDnsMessage } from '#protocol/dns-stream.ts';
import { DesiredSchema, RootDaemon, type Applied } from '#protocol/gen/telepresence_pb.ts';

/** The one nameserver of resolv.conf in these tests; the test itself answers there. */
export const nameserver = '198.51.100.53';
/** The same in a network of IPv6. */
export const nameserverV6 = '2001:db8:53::53';

/** What a test's user daemon desires. */
export type DesiredFields = MessageInitShape<typeof DesiredSchema>;

/** A root daemon in its own process, in the test's network and with its own resolv.conf. */
export interface RunningDaemon extends AsyncDisposable {
  readonly directory: string;
  readonly socketPath: string;
  readonly process: ChildProcess;
  readonly client: Client<typeof RootDaemon>;
  /** Ends when the process has, and says how. */
  exited(): Promise<string>;
}

/** Starts `main.ts` for `uid` and waits until it listens. */
export async function startDaemon(uid = 0, asks = nameserver): Promise<RunningDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'root-daemon-'));
  const socketPath = join(directory, 'root.sock');
  const resolvConf = join(directory, 'resolv.conf');
  await writeFile(resolvConf, `nameserver ${asks}\noptions timeout:1\n`);
  // A systemd-resolved of the real machine is out of reach: our links are not of its network.
  const script =
    '[ ! -d /run/systemd/resolve ] || mount -t tmpfs none /run/systemd/resolve; ' +
    'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const main = fileURLToPath(import.meta.resolve('./main.ts'));
  const daemon = [process.execPath, main, '--socket', socketPath, '--uid', String(uid)];
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', resolvConf, ...daemon], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exit = once(child, 'exit');
  const log: string[] = [];
  const listening = Promise.withResolvers<undefined>();
  child.stderr.on('data', (chunk: Buffer) => {
    log.push(chunk.toString());
    if (log.join('').includes('"listening"')) listening.resolve(undefined);
  });
  const ended = exit.then(() => assert.fail(`the daemon ended: ${log.join('')}`));
  ended.catch(() => {});
  try {
    await Promise.race([listening.promise, ended]);
  } catch (error) {
    await rm(directory, { recursive: true });
    throw error;
  }
  return {
    directory,
    socketPath,
    process: child,
    client: clientOf(socketPath),
    async exited() {
      const [code, signal] = await exit;
      return String(code ?? signal);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
      await rm(directory, { recursive: true });
    },
  };
}

/** A client as the user daemon has one: HTTP/2 on the unix socket. */
export function clientOf(socketPath: string): Client<typeof RootDaemon> {
  return createClient(
    RootDaemon,
    createConnectTransport({
      httpVersion: '2',
      baseUrl: 'http://root-daemon',
      nodeOptions: { createConnection: () => connect(socketPath) },
    }),
  );
}

/** A user daemon's hold on the machine. */
export interface Hold extends AsyncDisposable {
  apply(fields: DesiredFields): Promise<Applied>;
  /** Rejects with the daemon's reason when it ends the stream. */
  next(): Promise<Applied>;
}

/** Opens the stream; the machine is held until it is disposed of. */
export function holdMachine({ client }: Pick<RunningDaemon, 'client'>): Hold {
  const ending = new AbortController();
  const wanted: DesiredFields[] = [];
  let wake = Promise.withResolvers<undefined>();
  async function* desires() {
    for (;;) {
      for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
        yield create(DesiredSchema, next);
      }
      await wake.promise;
      wake = Promise.withResolvers();
    }
  }
  const answers = client.hold(desires(), { signal: ending.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<Applied> => {
    const answer = await answers.next();
    assert(answer.done !== true);
    return answer.value;
  };
  return {
    next,
    async apply(fields) {
      wanted.push(fields);
      wake.resolve(undefined);
      return await next();
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
    },
  };
}

/** The nft rules, devices and routes of this network: '' when they are as before. */
export function tracesOfUs(): string {
  const table = execFileSync('nft', ['list', 'tables']).toString();
  const device = execFileSync('sh', ['-c', 'ip link show tel0 2>/dev/null || :']).toString();
  return table + device;
}

/** Waits until nothing of ours is left; fails after `ms`. */
export async function untilGone(ms: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (tracesOfUs() !== '') {
    assert(performance.now() < deadline, `still there after ${ms} ms: ${tracesOfUs()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A handler of whole DNS messages. */
export type AnswerDns = (query: Buffer) => Buffer | undefined;

/** Answers framed messages on a TCP or unix socket server. */
export function serveFrames(answer: AnswerDns): Server {
  return createServer((socket: Socket) => {
    const reader = createDnsFrameReader();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const query of reader.push(chunk)) {
        const message = answer(query);
        if (message !== undefined) socket.write(frameDnsMessage(message));
      }
    });
  });
}

/** The machine's nameserver, by UDP and TCP; `asked` is what came, byte by byte. */
export async function startNameserver(
  answer: AnswerDns,
  at = nameserver,
): Promise<AsyncDisposable & { readonly asked: Buffer[]; readonly ports: number[] }> {
  const ipv6 = at.includes(':');
  execFileSync('ip', ['address', 'replace', `${at}/${ipv6 ? 128 : 32}`, 'dev', 'lo']);
  const asked: Buffer[] = [];
  const noted: AnswerDns = (query) => {
    asked.push(Buffer.from(query));
    return answer(query);
  };
  const ports: number[] = [];
  const udp = createSocket(ipv6 ? 'udp6' : 'udp4', (query, client) => {
    ports.push(client.port);
    const message = noted(query);
    if (message !== undefined) udp.send(message, client.port, client.address);
  });
  const tcp = serveFrames(noted);
  const listening = [once(udp, 'listening'), once(tcp, 'listening')];
  udp.bind(53, at);
  tcp.listen(53, at);
  await Promise.all(listening);
  return {
    asked,
    ports,
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
    },
  };
}

/** An answer with one A record, or NXDOMAIN for undefined. */
export function answerA(query: Buffer, address: string | undefined): Buffer {
  const message = decode(query);
  const [question] = message.questions;
  return answerDnsQuery(message, {
    code: address === undefined ? dnsCodes.nameError : dnsCodes.noError,
    answers:
      address === undefined
        ? []
        : [
            {
              name: question?.name ?? '',
              class: 1,
              ttlSeconds: 5,
              data: { kind: 'A', address },
            },
          ],
  });
}

/** The message that the bytes surely are. */
export function decode(bytes: Buffer): DnsMessage {
  const message = decodeDnsMessage(bytes);
  assert(message !== undefined);
  return message;
}
