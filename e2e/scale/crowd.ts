import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import * as v from 'valibot';
import { podNetworkCommand } from '../pod-network.ts';
import { laptopCommand } from '../run.ts';

/** Where a program of ours runs. */
export type Place = 'laptop' | { readonly podIp: string };

const heldReport = v.object({ open: v.number(), openMs: v.number(), starvedMs: v.number() });
const doneReport = v.object({
  open: v.number(),
  answered: v.number(),
  bySecond: v.number(),
  takenBack: v.number(),
  tookMs: v.number(),
  p50: v.number(),
  p99: v.number(),
  faults: v.array(v.string()),
  faultCount: v.number(),
});
export type HeldReport = v.InferOutput<typeof heldReport>;
export type DoneReport = v.InferOutput<typeof doneReport>;

/** Many connections, which stay open until this is disposed. */
export interface Crowd extends AsyncDisposable {
  /** All that are held are open. */
  readonly held: Promise<HeldReport>;
  /** The new ones have been, and each held one was asked again. */
  readonly done: Promise<DoneReport>;
}

interface Started extends AsyncDisposable {
  line(what: string, deadlineMs: number): Promise<string>;
}

async function start(place: Place, program: string, words: readonly string[]): Promise<Started> {
  const path = new URL(program, import.meta.url).pathname;
  // Before all others: what it measures on a busy machine is its own waiting otherwise (at a load of 78
  // it waited for a processor in 62 s of 64, and connections seemed to take 5 s that take 0.4).
  const all = ['nice', '-n', '-19', 'sh', 'tools/node', path, ...words];
  const { argv, env } = await (place === 'laptop'
    ? laptopCommand(all)
    : podNetworkCommand(place.podIp, all));
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async line(what, deadlineMs) {
      const late = Promise.withResolvers<never>();
      const timer = setTimeout(() => late.reject(new Error(`${what}: no word`)), deadlineMs);
      try {
        const { value, done } = await Promise.race([lines.next(), late.promise]);
        if (done === true) throw new Error(`${what}: the program has ended`);
        return value;
      } finally {
        clearTimeout(timer);
      }
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Starts an echo server; its answers begin with the first letter of its name. */
export async function startEchoServer(
  place: Place,
  options: { readonly name: string; readonly port?: number },
): Promise<AsyncDisposable & { readonly port: number }> {
  const host = place === 'laptop' ? '127.0.0.1' : '0.0.0.0';
  const words = [options.name, host, String(options.port ?? 0)];
  const server = await start(place, 'echo-server.ts', words);
  const port = Number(await server.line(`echo server ${options.name}`, 20_000));
  return { port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Starts clients that hold connections to one. */
export async function startCrowd(
  place: Place,
  to: { readonly host: string; readonly port: number; readonly letters: string },
  size: { readonly held: number; readonly perSecond: number; readonly seconds: number },
): Promise<Crowd> {
  const words = [to.host, String(to.port), to.letters];
  const numbers = [size.held, size.perSecond, size.seconds].map(String);
  const crowd = await start(place, 'crowd.client.ts', [...words, ...numbers]);
  const read = async (what: string, ms: number): Promise<unknown> =>
    JSON.parse(await crowd.line(what, ms));
  const held = read('held connections', 120_000).then((line) => v.parse(heldReport, line));
  const done = held
    .then(async () => await read('new connections', size.seconds * 1000 + 120_000))
    .then((line) => v.parse(doneReport, line));
  // Whoever waits hears of a failure; one that is not waited for is none.
  done.catch(() => {});
  return { held, done, [Symbol.asyncDispose]: () => crowd[Symbol.asyncDispose]() };
}
