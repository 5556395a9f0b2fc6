import type { CommandResult } from '../images/command.ts';
import { clusterCommand, kubectl, onCluster, type RunOptions } from './run.ts';

const repository = new URL('..', import.meta.url).pathname;

/** Waits until a pod is ready and gives its address. */
export async function readyPod(namespace: string, name: string): Promise<string> {
  const ready = ['--for=condition=Ready', '--timeout=50s'];
  await kubectl('wait', '-n', namespace, ...ready, `pod/${name}`);
  return await kubectl('get', '-n', namespace, `pod/${name}`, '-o', 'jsonpath={.status.podIP}');
}

/** The address of a Service. */
export async function clusterIp(namespace: string, service: string): Promise<string> {
  const path = 'jsonpath={.spec.clusterIP}';
  return await kubectl('get', '-n', namespace, 'service', service, '-o', path);
}

/** A pod of busybox that does nothing: a network to run programs in. */
export function idlePod(namespace: string, name: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'playground/busybox:1', command: ['sleep', '1000000'] }],
    },
  });
}

/**
 * Runs a program of this repository in the network of a pod: what it dials is dialled by the pod,
 * which itself needs no Node.
 */
export async function inPodNetwork(
  podIp: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  return await onCluster(entering(podIp, argv), options);
}

/** The words that start a long-running program there, and its environment. */
export async function podNetworkCommand(
  podIp: string,
  argv: readonly string[],
): ReturnType<typeof clusterCommand> {
  return await clusterCommand(entering(podIp, argv));
}

function entering(podIp: string, argv: readonly string[]): readonly string[] {
  const script = `cd ${repository} || exit 1
for net in /run/netns/*; do
  case $(nsenter --net=$net ip -4 -o addr show dev eth0 2>/dev/null) in
    *" ${podIp}/"*) exec nsenter --net=$net "$@" ;;
  esac
done
echo "no network of ${podIp}" >&2
exit 1`;
  return ['sh', '-c', script, 'sh', ...argv];
}
