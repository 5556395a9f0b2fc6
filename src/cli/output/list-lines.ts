import type { ListedWorkload } from '#protocol/gen/telepresence_pb.ts';
import { interceptBlock } from './intercept-block.ts';

/** What `list` prints: each workload and what can be, or is, done with it. */
export function listLines(workloads: readonly ListedWorkload[]): readonly string[] {
  if (workloads.length === 0) return ['No Workloads (Deployments, StatefulSets, or ReplicaSets)'];
  const width = Math.max(...workloads.map(({ workload }) => workload?.name.length ?? 0));
  return workloads.flatMap((listed) => {
    const name = (listed.workload?.name ?? '').padEnd(width);
    if (listed.intercepts.length > 0) {
      const isWhole = listed.intercepts.some(({ wholeContainer }) => wholeContainer);
      const what = isWhole ? 'replaced' : 'intercepted';
      return [`${name}: ${what}`, ...listed.intercepts.flatMap(interceptBlock)];
    }
    return [`${name}: ${heldBy(listed) ?? idleState(listed)}`];
  });
}

/** Whose it is, where it is not ours. */
function heldBy({ workload }: ListedWorkload): string | undefined {
  const holders = workload?.heldBy ?? [];
  if (holders.length === 0) return undefined;
  const who = holders.map(
    ({ client, name, state, replaced }) =>
      `${client} (intercept ${name}${replaced ? ', a container replaced' : ''}${state === 'DISCONNECTED' ? ', disconnected' : ''})`,
  );
  return `intercepted by ${who.join(', ')}`;
}

function idleState({ workload }: ListedWorkload): string {
  const installed =
    workload?.agentInstalled === true
      ? 'traffic-agent already installed'
      : 'traffic-agent not yet installed';
  const reason = workload?.notInterceptableReason ?? '';
  if (reason === '') return `ready to intercept (${installed})`;
  const state =
    workload?.agentInstalled === true
      ? 'traffic-agent already installed'
      : 'traffic-agent not installed';
  return `not interceptable (${state}): ${reason}`;
}
