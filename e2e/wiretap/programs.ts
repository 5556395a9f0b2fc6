import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { eventually } from '../eventually.ts';
import { podNetworkCommand } from '../pod-network.ts';
import { laptopCommand } from '../run.ts';

const programOf = (name: string): readonly string[] => [
  'sh',
  'tools/node',
  new URL(name, import.meta.url).pathname,
];

/** A program that tells what happens, a line each. */
interface Running extends AsyncDisposable {
  readonly lines: readonly string[];
  kill(): void;
}

async function start({ argv, env }: Awaited<ReturnType<typeof laptopCommand>>): Promise<Running> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => void lines.push(line));
  await once(reader, 'line', { signal: AbortSignal.timeout(20_000) });
  const kill = (): void => void child.kill('SIGKILL');
  return {
    lines,
    kill,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      kill();
      await once(child, 'exit');
    },
  };
}

/** An app in a pod's network that echoes. */
export async function startEchoApp(podIp: string, port: number): Promise<AsyncDisposable> {
  return await start(
    await podNetworkCommand(podIp, [...programOf('echo.cluster.ts'), String(port)]),
  );
}

/** Who asks the app all the time, and compares every byte. */
export interface Asker extends AsyncDisposable {
  /** A mark in time: what came before it is forgotten. */
  begin(): void;
  /**
   * Fails unless all since the mark was answered whole, at least `count` times, and the connection that was open from
   * the start lives; gives the sums of what small ones have carried that were opened since. One that carries more
   * may be faster than the way to a laptop.
   */
  wasWell(what: string, count: number): Promise<ReadonlySet<string>>;
}

/** Starts to ask `host:port` from a pod's network; now and then with `bulk` bytes. */
export async function startAsker(
  podIp: string,
  at: { readonly host: string; readonly port: number; readonly bulk: number },
): Promise<Asker> {
  const words = [at.host, String(at.port), String(at.bulk)];
  const running = await start(
    await podNetworkCommand(podIp, [...programOf('ask.cluster.ts'), ...words]),
  );
  let mark = 0;
  let markedAt = 0;
  return {
    begin() {
      mark = running.lines.length;
      markedAt = Date.now();
    },
    async wasWell(what, count) {
      const since = (kind: string): string[][] =>
        running.lines
          .slice(mark)
          .map((line) => line.split(' '))
          .filter(([first]) => first === kind);
      await eventually(`${what}: asked ${String(count)} times`, 30_000, async () => {
        assert.ok(since('asked').length + since('failed').length >= count);
      });
      const asked = since('asked');
      const times = asked.map(([, ms]) => Number(ms)).toSorted((a, b) => a - b);
      const open = since('open').map(([, ms]) => Number(ms));
      console.log(
        `${what}: ${String(asked.length)} connections, ${String(since('failed').length)} failed, ` +
          `median ${String(times[Math.floor(times.length / 2)])} ms, slowest ${String(times.at(-1))} ms; ` +
          `the open one: slowest ${String(Math.max(0, ...open))} ms`,
      );
      assert.deepEqual(since('failed'), [], what);
      assert.deepEqual(
        running.lines.filter((line) => line.startsWith('broken')),
        [],
        what,
      );
      const small = asked.filter(([, , at, , kb]) => Number(at) > markedAt && Number(kb) < 100);
      return new Set(small.map(([, , , sum = '']) => sum));
    },
    [Symbol.asyncDispose]: async () => await running[Symbol.asyncDispose](),
  };
}

/** The handler of a wiretap. */
export interface Listener extends AsyncDisposable {
  readonly port: number;
  /** Connections that it has got so far. */
  readonly connections: number;
  /** Connections that were cut short. */
  readonly cut: number;
  /** Connections that are over, in order or not. */
  readonly ended: number;
  /** Sums of connections that ended in order. */
  readonly whole: ReadonlySet<string>;
  kill(): void;
}

/** Starts one on a laptop; one that is deaf never reads. */
export async function startListener(
  mode: 'hears' | 'deaf',
  options: { readonly laptop?: 1 | 2; readonly port?: number } = {},
): Promise<Listener> {
  const { laptop = 1, port = 0 } = options;
  const words = [...programOf('listen.laptop.ts'), mode, String(port)];
  const running = await start(await laptopCommand(words, { laptop }));
  const of = (kind: string): string[] =>
    running.lines.filter((line) => line.startsWith(kind)).map((line) => line.split(' ')[1] ?? '');
  return {
    port: Number(of('listening')[0]),
    get connections() {
      return of('connection').length;
    },
    get cut() {
      return of('cut').length;
    },
    get ended() {
      return of('whole').length + of('cut').length;
    },
    get whole() {
      return new Set(of('whole'));
    },
    kill: () => running.kill(),
    [Symbol.asyncDispose]: async () => await running[Symbol.asyncDispose](),
  };
}
