import { eventually } from './eventually.ts';
import { kubectl, onCluster } from './run.ts';

/**
 * Waits until the API server answers, and also where pods ask for it: kube-proxy forgets it when it
 * ends, and hears of the new one by a watch of its own, some seconds later.
 */
export async function apiServerIsBack(): Promise<void> {
  await eventually('the API server', 60_000, async () => {
    await kubectl('get', '--raw', '/readyz');
  });
  await eventually('the API server, by its Service', 60_000, async () => {
    await onCluster(['curl', '-sSk', '--max-time', '2', '-o', '/dev/null', 'https://10.96.0.1/']);
  });
}
