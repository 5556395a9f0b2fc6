import assert from 'node:assert/strict';
import { outsideAnswer } from '../playground/outside.ts';
import { onLaptop } from './run.ts';

export type Daemon = 'root-daemon' | 'user-daemon';

/** The processes of a daemon on the laptop, as the laptop numbers them. */
export async function processesOf(daemon: Daemon): Promise<string[]> {
  const { stdout } = await onLaptop(['pgrep', '-f', `${daemon}.* --socket `], { mayFail: true });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Sends a signal to the one process of a daemon. */
export async function signalDaemon(daemon: Daemon, signal: string): Promise<void> {
  const pids = await processesOf(daemon);
  assert.equal(pids.length, 1, `${daemon}: processes ${pids.join(' ')}`);
  await onLaptop(['kill', `-${signal}`, ...pids]);
}

/** What of the laptop may not be changed by us for longer than we run. */
export async function machineState(): Promise<Record<string, string>> {
  const looks = {
    // Without counters: those of Docker's own rules, where it has run, go on.
    nft: ['nft', '--stateless', 'list', 'ruleset'],
    routes: ['ip', '-o', 'route', 'show', 'table', 'all'],
    routesV6: ['ip', '-6', '-o', 'route', 'show', 'table', 'all'],
    rules: ['ip', 'rule', 'show'],
    links: ['sh', '-c', 'ls /sys/class/net'],
    resolver: ['cat', '/etc/resolv.conf', '/etc/hosts'],
    listeners: ['sh', '-c', "ss -H -lntu | awk '{print $1, $5}' | sort"],
  };
  const entries = Object.entries(looks).map(async ([what, argv]) => {
    return [what, (await onLaptop(argv)).stdout] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Files of ours where the daemons have their sockets. */
export async function socketFiles(): Promise<string[]> {
  const { stdout } = await onLaptop(
    ['sh', '-c', 'find "$XDG_RUNTIME_DIR" /tmp/telepresence-* -type s -path "*telepresence*"'],
    { mayFail: true },
  );
  return stdout.split('\n').filter((line) => line !== '');
}

/** Throws unless the world outside is reached by name and by address, each within a second. */
export async function outsideWorks(): Promise<void> {
  const script = `timeout 1 getent hosts outside.example.com &&
    curl -sS --max-time 1 http://outside.example.com/ &&
    curl -sS --max-time 1 http://203.0.113.10/`;
  const { stdout } = await onLaptop(['sh', '-c', script]);
  assert.match(stdout, /^203\.0\.113\.10 +\S/);
  assert.equal(stdout.split(outsideAnswer.trim()).length, 4, stdout);
}

/** Throws unless a cluster's Service answers by its name. */
export async function clusterWorks(url = 'http://hello.demo'): Promise<void> {
  await onLaptop(['curl', '-sS', '--fail', '--max-time', '2', '-o', '/dev/null', url]);
}
