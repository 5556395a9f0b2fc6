import { spawn } from 'node:child_process';

import { AgentError } from '../error.ts';

/** Runs `nft -f -` with the rules; throws what nft said when it refuses. */
export async function applyRules(
  options: { readonly rules: string; readonly nft: string },
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(options.nft, ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], signal });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  // An nft that ends before it has read everything is judged by its status.
  child.stdin.on('error', () => {});
  child.stdin.end(options.rules);
  const ended = Promise.withResolvers<number | null>();
  child.on('error', (cause) => {
    ended.reject(new AgentError('RulesRefused', `start ${options.nft}`, { cause }));
  });
  child.on('close', (status) => ended.resolve(status));
  const status = await ended.promise;
  if (status === 0) return;
  const reason = said.trim().slice(0, 2000);
  throw new AgentError('RulesRefused', `${options.nft} refused the rules (${status}): ${reason}`);
}

/**
 * Refuses where the pod's addresses contain its node's: such a pod shares the node's network, and
 * the rules would change the node. The webhook never injects there; this is the second lock.
 */
export function refuseHostNetwork(addresses: {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
}): void {
  const podIp = addresses.podIps.find((one) => addresses.hostIps.includes(one));
  if (podIp === undefined) return;
  throw new AgentError('HostNetwork', `this pod has its node's address ${podIp}`);
}
