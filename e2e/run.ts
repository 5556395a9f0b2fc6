import { settingsFrom } from '../playground/settings.ts';
import { firstLaptop, secondLaptop } from '../playground/addresses.ts';
import { ensureEngine, wantsEngine } from '../playground/docker/engine.ts';
import { ensureDockerCommand } from '../playground/docker/programs.ts';
import { clusterEnvironment, laptopEnvironment } from '../playground/environment.ts';
import { ensureLaptop } from '../playground/laptops.ts';
import { clusterMachine, enter, requireMachine } from '../playground/machine.ts';
import { run, type CommandResult } from '../images/command.ts';

const layout = () => settingsFrom(process.env).layout;
const root = new URL('..', import.meta.url).pathname;
// nsenter does not become the command but its parent: when that is ended, so is the command.
const endedWithParent = ['setpriv', '--pdeathsig=TERM', '--'] as const;

export interface RunOptions {
  /** A status other than 0 is returned instead of thrown. */
  readonly mayFail?: boolean;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The kubeconfig's name: admin unless said; admin-rtt20, admin-50mbit-rtt20, alice, bob… */
  readonly kubeconfig?: string;
  /** Which laptop: the first unless said. The second is started when it is first used. */
  readonly laptop?: 1 | 2;
  /** A laptop's Docker Engine is started by its first command unless this is false. */
  readonly engine?: false;
  /** The whole of it must end within this time; 60 s unless said. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** The words and environment that run a command on a laptop of the playground. */
export async function laptopCommand(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly argv: readonly string[]; readonly env: Record<string, string | undefined> }> {
  const laptop = options.laptop === 2 ? secondLaptop : firstLaptop;
  const machine = await ensureLaptop(layout(), laptop, AbortSignal.timeout(30_000));
  if (wantsEngine(argv)) {
    // The first one ever is downloaded.
    const signal = AbortSignal.timeout(300_000);
    const progress = (line: string): void => void process.stderr.write(`prepare: ${line}\n`);
    const deps = { layout: layout(), env: process.env, progress };
    await (options.engine === false ? ensureDockerCommand : ensureEngine)(deps, laptop, signal);
  }
  const env = laptopEnvironment(layout(), {
    laptop,
    kubeconfig: options.kubeconfig ?? 'admin',
    inherited: process.env,
  });
  return {
    argv: [...enter(machine, options.cwd ?? root), ...endedWithParent, ...argv],
    env: { ...env, ...options.env },
  };
}

/** Runs a command on the laptop to its end. */
export async function onLaptop(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const command = await laptopCommand(argv, options);
  return await run(command.argv, { ...runOptions(options), env: command.env });
}

/** The words and environment that run a command on the cluster's node. */
export async function clusterCommand(
  argv: readonly string[],
  options: RunOptions = {},
): ReturnType<typeof laptopCommand> {
  const machine = await requireMachine(layout(), clusterMachine);
  return {
    argv: [...enter(machine, '/'), ...endedWithParent, ...argv],
    env: { ...clusterEnvironment(layout(), process.env), ...options.env },
  };
}

/** Runs a command on the cluster's node to its end. */
export async function onCluster(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const command = await clusterCommand(argv, options);
  return await run(command.argv, { ...runOptions(options), env: command.env });
}

/** Runs kubectl as the cluster's administrator; returns what it printed. */
export async function kubectl(...args: readonly string[]): Promise<string> {
  return (await onCluster(['kubectl', ...args])).stdout;
}

/** Applies manifests given as text. */
export async function apply(manifests: string): Promise<void> {
  await onCluster(['kubectl', 'apply', '-f', '-'], { input: manifests });
}

/** Runs `telepresence` on the laptop as a user would. */
export function telepresence(
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  return onLaptop(['telepresence', ...args], options);
}

function runOptions(options: RunOptions): Parameters<typeof run>[1] {
  const deadline = AbortSignal.timeout(options.deadlineMs ?? 60_000);
  return {
    signal: options.signal === undefined ? deadline : AbortSignal.any([deadline, options.signal]),
    ...(options.mayFail === undefined ? {} : { mayFail: options.mayFail }),
    ...(options.input === undefined ? {} : { input: options.input }),
  };
}
