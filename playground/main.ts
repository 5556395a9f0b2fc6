import { describe } from '#base/errors.ts';
import { firstLaptop, secondLaptop } from './addresses.ts';
import { restartComponent } from './component.ts';
import { deployDemo } from './demo-app.ts';
import { ensureEngine, stopEngine, wantsEngine } from './docker/engine.ts';
import { ensureDockerCommand } from './docker/programs.ts';
import { takeDown } from './down.ts';
import { clusterEnvironment, laptopEnvironment } from './environment.ts';
import { PlaygroundError } from './error.ts';
import { kubeconfigFor, servers } from './kubeconfig.ts';
import { ensureLaptop, laptopNamed } from './laptops.ts';
import { loadImage } from './load.ts';
import { lock } from './lock.ts';
import { clusterMachine, enter, requireMachine, type Machine } from './machine.ts';
import { ensureMachine, ensureRoot } from './packages.ts';
import { blockPods, unblockPods } from './pod-block.ts';
import { createProgress } from './progress.ts';
import { settingsFrom } from './settings.ts';
import { describeStatus } from './status.ts';
import { bringUp } from './up.ts';

const usage = `usage: npm run playground -- COMMAND
  up                           bring a one-node Kubernetes and a laptop up (idempotent)
  demo                         up, and the demo application in namespace demo
  down                         remove all of it
  status                       say what runs
  laptop CMD...                run a command on the laptop
  laptop2 CMD...               run a command on a second one, started with its first command
  docker start|stop|kill       a Docker Engine on the laptop; \`laptop docker CMD\` starts it too
  cluster CMD...               run a command on the cluster's node
  load IMAGE.tar...            give the node images
  kubeconfig USER [GROUP...]   print a kubeconfig for a user without rights
  restart COMPONENT            end and start kube-apiserver, etcd, kubelet...
  block-pods | unblock-pods    an API server that does not reach pods
environment: PLAYGROUND_NAME=default, PLAYGROUND_STATE=DIRECTORY
  for laptops: PLAYGROUND_KUBECONFIG=admin (admin-rtt20, admin-50mbit-rtt20, alice, bob)
`;

const interrupted = new AbortController();
const { signal } = interrupted;
const progress = createProgress({
  now: () => performance.now(),
  write: (line) => process.stderr.write(line),
});

async function main(command: string | undefined, args: readonly string[]): Promise<number> {
  const { layout, kubeconfig } = settingsFrom(process.env);
  const uid = process.getuid?.() ?? -1;
  const alone = (): Promise<AsyncDisposable> =>
    lock(layout.lock, {
      signal,
      onWait: (pid) => progress(`waiting for process ${pid}, which changes this playground`),
    });
  switch (command) {
    case 'up': {
      await ensureMachine({ uid, env: process.env, progress }, signal);
      await using _held = await alone();
      await bringUp({ layout, progress, env: process.env }, signal);
      return 0;
    }
    case 'demo': {
      await ensureMachine({ uid, env: process.env, progress }, signal);
      await using _held = await alone();
      const deps = { layout, progress, env: process.env };
      await bringUp(deps, signal);
      await deployDemo(deps, signal);
      return 0;
    }
    case 'down': {
      ensureRoot(uid);
      await using _held = await alone();
      await takeDown(layout, signal);
      progress(`playground ${layout.name} is gone`);
      return 0;
    }
    case 'status': {
      ensureRoot(uid);
      const status = await describeStatus(layout, signal);
      process.stdout.write(`${status.lines.join('\n')}\n`);
      return status.isUp ? 0 : 1;
    }
    case firstLaptop.name:
    case secondLaptop.name: {
      ensureRoot(uid);
      const laptop = command === firstLaptop.name ? firstLaptop : secondLaptop;
      const machine = await ensureLaptop(layout, laptop, signal);
      const docker = { layout, progress, env: process.env };
      if (wantsEngine(args)) await ensureEngine(docker, laptop, signal);
      const inherited = process.env;
      return become(machine, args, laptopEnvironment(layout, { laptop, kubeconfig, inherited }));
    }
    case 'docker': {
      ensureRoot(uid);
      const [what, name = firstLaptop.name] = args;
      const laptop = laptopNamed(name);
      if (laptop === undefined) break;
      const deps = { layout, progress, env: process.env };
      if (what === 'command') await ensureDockerCommand(deps, laptop, signal);
      else if (what === 'start') await ensureEngine(deps, laptop, signal);
      else if (what === 'stop' || what === 'kill') {
        await stopEngine(layout, laptop, { kill: what === 'kill', signal });
      } else break;
      return 0;
    }
    case 'cluster': {
      ensureRoot(uid);
      const machine = await requireMachine(layout, clusterMachine);
      return become(machine, args, clusterEnvironment(layout, process.env));
    }
    case 'load': {
      ensureRoot(uid);
      const cluster = await requireMachine(layout, clusterMachine);
      for (const tar of args) process.stdout.write(await loadImage(cluster, tar, signal));
      return 0;
    }
    case 'kubeconfig': {
      ensureRoot(uid);
      await requireMachine(layout, clusterMachine);
      const [user, ...groups] = args;
      if (user === undefined) break;
      const certificate = `user-${Buffer.from([user, ...groups].join('\n')).toString('base64url')}`;
      const subject = { user, groups };
      const options = { subject, certificate, server: servers.direct, signal };
      process.stdout.write(await kubeconfigFor(layout, options));
      return 0;
    }
    case 'restart': {
      ensureRoot(uid);
      const machine = await requireMachine(layout, clusterMachine);
      for (const name of args) await restartComponent({ layout, machine }, name, signal);
      return 0;
    }
    case 'block-pods':
    case 'unblock-pods': {
      ensureRoot(uid);
      const cluster = await requireMachine(layout, clusterMachine);
      await (command === 'block-pods' ? blockPods : unblockPods)(cluster, signal);
      return 0;
    }
    case undefined:
    default:
  }
  process.stderr.write(usage);
  return 2;

  /** Becomes the command, so that signals, terminal and status are its own. */
  function become(
    machine: Machine,
    argv: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
  ): never {
    if (argv.length === 0) throw new PlaygroundError('BadUsage', `${command}: which command?`);
    // Ends the command when nsenter, its parent, is ended; daemons it started go on living.
    const words = [...enter(machine, process.cwd()), 'setpriv', '--pdeathsig=TERM', '--', ...argv];
    // Without listeners nothing is printed: that execve is experimental helps no one here.
    process.removeAllListeners('warning');
    process.execve?.('/usr/bin/nsenter', words, env);
    throw new PlaygroundError('BadUsage', 'this Node cannot become another program');
  }
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => interrupted.abort(new Error('interrupted')));
}
const [command, ...args] = process.argv.slice(2);
try {
  process.exitCode = await main(command, args);
} catch (error) {
  process.stderr.write(`playground: ${describe(error)}\n`);
  process.exitCode = 1;
}
