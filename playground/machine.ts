import { spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { run, type CommandOptions, type CommandResult } from '../images/command.ts';
import { PlaygroundError } from './error.ts';
import type { Layout } from './layout.ts';
import { childrenOf, findProcesses, identify, isAlive, processLink } from './process-table.ts';

/**
 * A machine of the playground: namespaces of its own for network, mounts, processes and hostname,
 * held by its first process. When that one is killed the kernel ends all the others, and with them
 * the mounts and the network.
 */
export interface Machine {
  readonly name: string;
  /** The first process, as the real machine numbers it. */
  readonly pid: number;
}

const namespaces = ['--net', '--mount', '--pid', '--uts'] as const;
const newNamespaces = [
  ...namespaces,
  '--fork',
  '--kill-child',
  '--mount-proc',
  '--propagation=private',
] as const;

/** The machine that is the cluster's node. */
export const clusterMachine = 'cluster';

/** Starts a machine; `resolver` is the DNS server in its resolv.conf. */
export async function startMachine(
  layout: Layout,
  options: { readonly name: string; readonly resolver: string; readonly signal: AbortSignal },
): Promise<Machine> {
  const own = join(layout.state, options.name);
  await mkdir(own, { recursive: true });
  await mkdir(layout.logs, { recursive: true });
  await writeFile(join(own, 'resolv.conf'), `nameserver ${options.resolver}\n`);
  const hosts = `127.0.0.1 localhost\n::1 localhost\n127.0.1.1 ${options.name}\n`;
  await writeFile(join(own, 'hosts'), hosts);
  if (options.name === clusterMachine) await writeSysctls(join(own, 'sysctl'));
  const logPath = join(layout.logs, `machine-${options.name}.log`);
  await using log = await open(logPath, 'w');
  const script = join(import.meta.dirname, 'machine.sh');
  const first = firstProcess(layout);
  const child = spawn(
    'unshare',
    [...newNamespaces, 'sh', script, layout.state, options.name, first, options.name],
    { detached: true, stdio: ['ignore', log.fd, log.fd], cwd: '/' },
  );
  child.unref();
  const ended = Promise.withResolvers<string>();
  child.on('error', (error) => ended.resolve(error.message));
  child.on('exit', (status) => ended.resolve(`status ${status}`));
  for (;;) {
    const [pid] = child.pid === undefined ? [] : await childrenOf(child.pid);
    if (pid !== undefined && (await processLink(pid, 'exe')) === first) {
      await writeFile(join(own, 'pid.json'), JSON.stringify(await identify(pid)));
      return { name: options.name, pid };
    }
    const outcome = await Promise.race([ended.promise, systemClock.sleep(10, options.signal)]);
    if (outcome !== undefined) {
      const said = (await readFile(logPath, 'utf8')).trim();
      throw new PlaygroundError(
        'StartFailed',
        `start machine ${options.name}: ${outcome}: ${said}`,
      );
    }
  }
}

/** What a kubelet wants of the machine's kernel: it is shown these instead of writing them. */
async function writeSysctls(directory: string): Promise<void> {
  const wanted = {
    'vm/overcommit_memory': '1',
    'vm/panic_on_oom': '0',
    'kernel/panic': '10',
    'kernel/panic_on_oops': '1',
    'kernel/keys/root_maxkeys': '1000000',
    'kernel/keys/root_maxbytes': '25000000',
  };
  for (const [path, value] of Object.entries(wanted)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), `${value}\n`);
  }
}

/** Every process that runs this file is the first of one of this playground's machines. */
export function firstProcess(layout: Layout): string {
  return join(layout.programs, 'first-process');
}

/** The machine of that name, if it lives. */
export async function findMachine(layout: Layout, name: string): Promise<Machine | undefined> {
  const text = await readFile(join(layout.state, name, 'pid.json'), 'utf8').catch(() => '{}');
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  if (!('pid' in value && 'started' in value)) return undefined;
  const { pid, started } = value;
  if (typeof pid !== 'number' || typeof started !== 'string') return undefined;
  return (await isAlive({ pid, started })) ? { name, pid } : undefined;
}

/** The machine of that name, or an error that says how to get one. */
export async function requireMachine(layout: Layout, name: string): Promise<Machine> {
  const machine = await findMachine(layout, name);
  if (machine !== undefined) return machine;
  throw new PlaygroundError(
    'NotUp',
    `playground ${layout.name} is not up: npm run playground -- up`,
  );
}

/** The first processes of all this playground's machines, also of those never recorded. */
export function findFirstProcesses(layout: Layout): ReturnType<typeof findProcesses> {
  const file = firstProcess(layout);
  return findProcesses(async (pid) => {
    const exe = await processLink(pid, 'exe');
    return exe === file || exe === `${file} (deleted)`;
  });
}

/** The words before a command that make it run inside a machine, in `directory` there. */
export function enter(machine: Machine, directory: string): readonly [string, ...string[]] {
  return ['nsenter', `--target=${machine.pid}`, ...namespaces, `--wdns=${directory}`, '--'];
}

/** Runs a command inside a machine to its end. */
export function runIn(
  machine: Machine,
  argv: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return run([...enter(machine, '/'), ...argv], options);
}
