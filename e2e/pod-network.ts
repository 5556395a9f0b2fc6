import type { CommandResult } from '../images/command.ts';
import { kubectl, onCluster, type RunOptions } from './run.ts';

const repository = new URL('..', import.meta.url).pathname;

/** Waits until a pod is ready and gives its address. */
export async function readyPod(namespace: string, name: string): Promise<string> {
  const ready = ['--for=condition=Ready', '--timeout=50s'];
  await kubectl('wait', '-n', namespace, ...ready, `pod/${name}`);
  return await kubectl('get', '-n', namespace, `pod/${name}`, '-o', 'jsonpath={.status.podIP}');
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
  const script = `cd ${repository} || exit 1
for net in /run/netns/*; do
  case $(nsenter --net=$net ip -4 -o addr show dev eth0 2>/dev/null) in
    *" ${podIp}/"*) exec nsenter --net=$net "$@" ;;
  esac
done
echo "no network of ${podIp}" >&2
exit 1`;
  return await onCluster(['sh', '-c', script, 'sh', ...argv], options);
}
