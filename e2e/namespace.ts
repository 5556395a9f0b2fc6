import { apply, kubectl, onCluster } from './run.ts';

/** A fresh namespace of a test; everything in it is gone once this is disposed. */
export async function createNamespace(name: string): Promise<AsyncDisposable> {
  // What an interrupted run left would decide this one.
  await kubectl('delete', 'namespace', name, '--ignore-not-found');
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  return {
    async [Symbol.asyncDispose]() {
      await onCluster(['kubectl', 'delete', 'namespace', name, '--wait=false'], { mayFail: true });
    },
  };
}
