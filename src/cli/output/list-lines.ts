import type { ListedWorkload } from '#protocol/gen/telepresence_pb.ts';
import { attachmentBlock } from './intercept-block.ts';
import { modeWords } from './mode-words.ts';

/** What `list` prints: each workload and what can be, or is, done with it. */
export function listLines(workloads: readonly ListedWorkload[]): readonly string[] {
  if (workloads.length === 0) return ['No Workloads (Deployments, StatefulSets, or ReplicaSets)'];
  const width = Math.max(...workloads.map(({ workload }) => workload?.name.length ?? 0));
  return workloads.flatMap((listed) => {
    const name = (listed.workload?.name ?? '').padEnd(width);
    const { intercepts } = listed;
    const done = new Set(
      intercepts.map((info) => (info.wholeContainer ? 'replaced' : modeWords(info).done)),
    );
    const states = [...done, ...othersStates(listed)];
    // What others only look at can still be had.
    const isFree = done.size === 0 && !isTaken(listed);
    const text = [...(isFree ? [idleState(listed)] : []), ...states].join(', ');
    return [`${name}: ${text}`, ...intercepts.flatMap(attachmentBlock)];
  });
}

function isTaken({ workload }: ListedWorkload): boolean {
  return (workload?.heldBy ?? []).some((holder) => modeWords(holder).noun === 'intercept');
}

/** Who has it, and who looks on, where that is not us. */
function othersStates({ workload }: ListedWorkload): readonly string[] {
  const of = Map.groupBy(workload?.heldBy ?? [], (holder) => modeWords(holder).done);
  return [...of].map(([done, those]) => `${done} by ${those.map(holderText).join(', ')}`);
}

function holderText(holder: NonNullable<ListedWorkload['workload']>['heldBy'][number]): string {
  const { client, name, state, replaced } = holder;
  return `${client} (${modeWords(holder).noun} ${name}${replaced ? ', a container replaced' : ''}${state === 'DISCONNECTED' ? ', disconnected' : ''})`;
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
