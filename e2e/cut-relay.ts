import { onCluster } from './run.ts';

/** Nothing passes between the laptop and the API server; everything else goes on. */
export async function cutRelay(): Promise<AsyncDisposable> {
  const rules = `table inet e2e_cut {
    chain from { type filter hook prerouting priority -400; iifname "laptop0" tcp dport 6443 drop; }
    chain to { type filter hook postrouting priority 400; oifname "laptop0" tcp sport 6443 drop; }
  }`;
  await onCluster(['nft', '-f', '-'], { input: rules });
  return {
    async [Symbol.asyncDispose]() {
      await onCluster(['nft', 'delete', 'table', 'inet', 'e2e_cut']);
    },
  };
}
