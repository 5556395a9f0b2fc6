import type { ListedWorkload } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { call, needUserDaemon } from '../daemon/session.ts';
import { listLines } from '../output/list-lines.ts';
import { workloadObject } from '../output/workload-object.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { readNamespace } from '../parse/namespace-name.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence list` */
export const runList: RunCommand = async (context, line) => {
  const namespace = readNamespace(line, 'namespace') ?? '';
  const daemon = await needUserDaemon(context);
  const { signal } = context;
  if (line.on('watch') || context.streaming) {
    await call(async () => {
      for await (const { workloads } of daemon.watchList({ namespace }, { signal })) {
        tell(context, chosen(line, workloads));
      }
    });
    return 0;
  }
  const { workloads } = await call(async () => await daemon.list({ namespace }, { signal }));
  const shown = chosen(line, workloads);
  context.show({ text: listLines(shown), object: shown.map(workloadObject) });
  return 0;
};

function chosen(line: ParsedLine, workloads: readonly ListedWorkload[]): readonly ListedWorkload[] {
  return workloads.filter(
    ({ workload, intercepts }) =>
      (!line.on('intercepts') || intercepts.length > 0) &&
      (!line.on('agents') || workload?.agentInstalled === true) &&
      (!line.on('only-interceptable') ||
        intercepts.length > 0 ||
        workload?.notInterceptableReason === ''),
  );
}

/** One list of several: a line of its own for programs, a block for people. */
function tell(context: CliContext, workloads: readonly ListedWorkload[]): void {
  if (context.formatted) context.emit(workloads.map(workloadObject));
  else for (const text of [...listLines(workloads), '']) context.print(text);
}
