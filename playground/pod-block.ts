import { addresses, apiServerGroup } from './addresses.ts';
import { runIn, type Machine } from './machine.ts';

const table = 'inet playground-pod-block';

/**
 * A control plane that does not reach pods, as with an overlay network that it is not part of: the
 * API server's connections to pods come to nothing, without a word. The kubelet reaches its pods as before.
 */
export async function blockPods(cluster: Machine, signal: AbortSignal): Promise<void> {
  await runIn(cluster, ['nft', '-f', '-'], {
    signal,
    input: `
      table ${table} {
        chain from-api-server {
          type filter hook output priority 10; policy accept;
          # Answers to what pods ask of it pass.
          meta skgid ${apiServerGroup} ct direction original ip daddr ${addresses.podCidr} drop
        }
      }`,
  });
}

/** Takes `blockPods` back. */
export async function unblockPods(cluster: Machine, signal: AbortSignal): Promise<void> {
  // Older nft programs know no `destroy`.
  const input = `add table ${table}\ndelete table ${table}\n`;
  await runIn(cluster, ['nft', '-f', '-'], { signal, input });
}
