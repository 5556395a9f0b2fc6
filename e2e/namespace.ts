import { strictNamespace, type Strictness } from '../playground/strict-namespaces.ts';
import { apply, kubectl, onCluster } from './run.ts';

/**
 * A fresh namespace of a test, perhaps with a limit in it (the name of one that denies egress must
 * begin with `deny-egress`); everything in it is gone once this is disposed.
 */
export async function createNamespace(
  name: string,
  strictness?: Strictness,
): Promise<AsyncDisposable> {
  // What an interrupted run left would decide this one.
  await kubectl('delete', 'namespace', name, '--ignore-not-found');
  const plain = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const items = strictness === undefined ? [plain] : strictNamespace(name, strictness);
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return {
    async [Symbol.asyncDispose]() {
      await onCluster(['kubectl', 'delete', 'namespace', name, '--wait=false'], { mayFail: true });
    },
  };
}
