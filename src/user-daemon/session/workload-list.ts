import { create } from '@bufbuild/protobuf';
import {
  ListResponseSchema,
  type InterceptInfo,
  type ListResponse,
  type WorkloadInfo,
} from '#protocol/gen/telepresence_pb.ts';
import { createLatestQueue } from './latest-queue.ts';
import { listByRights } from './list-by-rights.ts';
import type { Session } from './session.ts';

type Listed = Pick<WorkloadInfo, 'name'> & Omit<WorkloadInfo, '$typeName' | '$unknown'>;

/** The workloads of a namespace and our intercepts of them; empty is the connected namespace. */
export async function list(
  session: Session,
  namespace: string,
  signal: AbortSignal,
): Promise<ListResponse> {
  const own = session.info.namespace;
  const wanted = namespace === '' ? own : namespace;
  // The manager tells only of the namespace that we are connected to; elsewhere our own rights decide.
  const workloads =
    wanted === own
      ? await session.link.workloads(wanted, signal)
      : await listByRights(session.client, wanted, signal);
  return withIntercepts(session, wanted, workloads);
}

/** The same, and again after each change of a workload or of an intercept. */
export async function* watchList(
  session: Session,
  namespace: string,
  signal: AbortSignal,
): AsyncGenerator<ListResponse> {
  const own = session.info.namespace;
  const wanted = namespace === '' ? own : namespace;
  using changes = createLatestQueue<undefined>();
  let workloads: readonly Listed[] | undefined;
  const over = new AbortController();
  using _intercepts = session.intercepts.follow(() => changes.put(undefined));
  const until = AbortSignal.any([signal, over.signal]);
  const onWorkloads = (next: readonly Listed[]): void => {
    workloads = next;
    changes.put(undefined);
  };
  const following = (
    wanted === own
      ? session.link.followWorkloads(wanted, until, onWorkloads)
      : session.followByRights(wanted, until, onWorkloads)
  ).finally(() => changes[Symbol.dispose]());
  // Who reads slowly hears of a failure later, at the end.
  following.catch(() => {});
  let before = '';
  try {
    for await (const _change of changes) {
      if (workloads === undefined) continue;
      const next = withIntercepts(session, wanted, workloads);
      const text = JSON.stringify(next);
      if (text === before) continue;
      before = text;
      yield next;
    }
  } finally {
    over.abort(new Error('nobody listens any more'));
    await following;
  }
}

function withIntercepts(
  session: Session,
  namespace: string,
  workloads: readonly Listed[],
): ListResponse {
  const own = session.intercepts.list().filter((each) => each.namespace === namespace);
  const interceptsOf = (name: string): InterceptInfo[] =>
    own.filter(({ workload }) => workload === name);
  return create(ListResponseSchema, {
    workloads: workloads
      .toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)))
      .map((workload) => ({
        workload: {
          ...workload,
          heldBy: workload.heldBy.filter((each) => each.connectionUid !== session.connectionUid),
        },
        intercepts: interceptsOf(workload.name),
      })),
  });
}
