/**
 * How fast a splice is, on loopback, without a cluster: `tools/node bench/splice.ts [SECONDS [FLOWS]]`.
 *
 * iperf3 talks to its server directly, through two processes that only copy (raw), and through two
 * that copy flows over one HTTP/2 session. CPU a gigabyte compares even on a machine that is busy.
 */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { openClientSession } from '#tunnel/client-session.ts';
import { serveSession } from '#tunnel/server-session.ts';
import { splice } from '#tunnel/splice.ts';

const deps = { log: silentLogger, clock: systemClock };
const host = '127.0.0.1';
const socketOptions = { allowHalfOpen: true, noDelay: true } as const;

function listen(onSocket: (socket: net.Socket) => void): Promise<number> {
  const server = net.createServer({ ...socketOptions, pauseOnConnect: true }, onSocket);
  return new Promise((resolve) => {
    server.listen(0, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

const dial = (port: number): net.Socket => net.connect({ ...socketOptions, host, port });

/** A process that copies whatever comes to `port`. */
const copy = (port: number): Promise<number> => listen((socket) => splice(socket, dial(port)));

/** The pod's end: one session, each flow dialled to `port`. */
function far(port: number): Promise<number> {
  return listen((connection) =>
    serveSession(connection, {
      ...deps,
      onFlow: (incoming) => splice(incoming.accept().stream, dial(port)),
    }),
  );
}

/** The laptop's end: one session to `port`, a flow for each connection. */
async function near(port: number): Promise<number> {
  const connection = dial(port);
  await once(connection, 'connect');
  const session = openClientSession(connection, deps);
  const signal = new AbortController().signal;
  return listen((socket) => {
    splice(socket, session.beginFlow({ authority: 'x:1', signal }).flow.stream);
  });
}

const roles = { copy, far, near } as const;

const role = Object.keys(roles).find((name) => name === process.argv[2]);
if (role === 'copy' || role === 'far' || role === 'near') {
  const port = await roles[role](Number(process.argv[3]));
  process.send?.({ port });
  process.on('message', () => process.send?.({ cpu: process.cpuUsage() }));
  process.on('disconnect', () => process.exit());
} else {
  await main(Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 1));
}

async function main(seconds: number, flows: number): Promise<void> {
  const server = await iperfServer();
  const children: ChildProcess[] = [];
  const start = async (name: keyof typeof roles, port: number): Promise<number> => {
    const child = fork(import.meta.filename, [name, String(port)]);
    children.push(child);
    const [message]: { port: number }[] = await once(child, 'message');
    return message?.port ?? 0;
  };
  const raw = await start('copy', await start('copy', server.port));
  const tunnel = await start('near', await start('far', server.port));
  const pairs = { raw: children.slice(0, 2), tunnel: children.slice(2) };

  for (const down of [false, true]) {
    const direction = down ? 'down' : 'up';
    const run = (port: number): Promise<number> => iperf(port, seconds, flows, down);
    report(`${direction} direct`, await run(server.port), []);
    for (const [name, port] of [
      ['raw', raw],
      ['tunnel', tunnel],
    ] as const) {
      const before = await Promise.all(pairs[name].map(cpuOf));
      const bits = await run(port);
      const after = await Promise.all(pairs[name].map(cpuOf));
      const used = after.map((ms, index) => ms - (before[index] ?? 0));
      report(`${direction} ${name}`, bits, used, (bits / 8) * seconds);
    }
  }
  for (const child of children) child.disconnect();
  server.process.kill();
}

async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message');
  child.send('cpu');
  const [message]: { cpu: NodeJS.CpuUsage }[] = await answer;
  if (message === undefined) throw new Error('no answer');
  return (message.cpu.user + message.cpu.system) / 1000;
}

function report(name: string, bits: number, cpuMs: number[], bytes = 1): void {
  const cpu = cpuMs.map((ms) => `${(ms / (bytes / 1e9)).toFixed(0)} ms/GB`).join(', ');
  console.log(`${name.padEnd(12)} ${(bits / 1e9).toFixed(2).padStart(6)} Gbit/s   ${cpu}`);
}

async function iperfServer(): Promise<{ port: number; process: ChildProcess }> {
  const port = await listen(() => {});
  const child = spawn('iperf3', ['-s', '-p', String(port + 1), '-B', host, '--forceflush']);
  await once(child.stdout, 'data');
  return { port: port + 1, process: child };
}

async function iperf(port: number, seconds: number, flows: number, down: boolean): Promise<number> {
  const options = [
    '-c',
    host,
    '-p',
    String(port),
    '-t',
    String(seconds),
    '-P',
    String(flows),
    '-J',
  ];
  const child = spawn('iperf3', down ? [...options, '-R'] : options);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(child, 'close');
  const result: { end?: { sum_received?: { bits_per_second?: number } }; error?: string } =
    JSON.parse(text);
  if (result.error !== undefined) throw new Error(result.error);
  return result.end?.sum_received?.bits_per_second ?? 0;
}
