import {
  execFileSync,
  spawn,
  spawnSync,
  type ChildProcess,
  type ChildProcessByStdio,
} from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { enterOwnNetworkNamespace } from '#host/own-namespace.ts';

import { agentRules } from '../init/rules.ts';
import { agentUdpRules } from '../init/udp-rules.ts';

/** The pod's address as the test (the rest of the cluster) sees it. */
export const podAddress = '10.74.39.2';
/** The test's own. */
export const clusterAddress = '10.74.39.1';
/** The same of IPv6. */
export const podAddressV6 = 'fd74:39::2';
const clusterAddressV6 = 'fd74:39::1';

/** For tests: a pod's network namespace with a wire to the test process, and programs in it. */
export interface PodNetwork extends AsyncDisposable {
  /** Runs a program in the pod to its end. */
  run(argv: readonly [string, ...string[]], input?: string): string;
  /** Starts one of this folder's programs in the pod; it is ready when it sends its first message. */
  start(program: string, args?: readonly string[]): Promise<ChildProcess>;
  /** Starts a program in the pod with pipes, in this environment. */
  spawn(
    argv: readonly [string, ...string[]],
    env: Readonly<Record<string, string>>,
  ): ChildProcessByStdio<null, Readable, null>;
  /** Lays the rules of the init container. */
  layRules(): void;
}

let entered = false;

/** Moves the test process out of the machine's network (once) and makes a pod. */
export async function podNetwork(): Promise<PodNetwork> {
  if (!entered) enterOwnNetworkNamespace();
  entered = true;
  const pause = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(pause.stdout, 'data');
  const inside = ['nsenter', `--net=/proc/${pause.pid}/ns/net`] as const;
  const run: PodNetwork['run'] = (argv, input = '') =>
    execFileSync(inside[0], [inside[1], ...argv], { input, encoding: 'utf8', stdio: 'pipe' });
  const wire = `wire${pause.pid}`;
  execFileSync('ip', ['-batch', '-'], {
    input: `link add ${wire} type veth peer name eth0 netns ${pause.pid}
      address add ${clusterAddress}/24 dev ${wire}
      address add ${clusterAddressV6}/64 dev ${wire} nodad
      link set ${wire} up`,
  });
  run(
    ['ip', '-batch', '-'],
    `link set lo up
    address add ${podAddress}/24 dev eth0
    address add ${podAddressV6}/64 dev eth0 nodad
    link set eth0 up
    route add default via ${clusterAddress}`,
  );
  const children = new Set<ChildProcess>();
  return {
    run,
    async start(program, args = []) {
      const path = fileURLToPath(new URL(program, import.meta.url));
      const argv = [inside[1], process.execPath, path, ...args];
      const child = spawn(inside[0], argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
      children.add(child);
      await once(child, 'message');
      return child;
    },
    spawn(argv, env) {
      const child = spawn(inside[0], [inside[1], ...argv], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env },
      });
      children.add(child);
      return child;
    },
    layRules() {
      run(['nft', '-f', '-'], agentRules());
      run(['nft', '-f', '-'], agentUdpRules());
    },
    async [Symbol.asyncDispose]() {
      for (const child of [...children, pause]) {
        const ended = once(child, 'exit');
        if (child.exitCode !== null || child.signalCode !== null) continue;
        child.kill('SIGKILL');
        await ended;
      }
      // It is gone already where the pod's namespace was faster.
      spawnSync('ip', ['link', 'delete', wire]);
    },
  };
}
