import { call, needUserDaemon } from '../daemon/session.ts';
import { listLines } from '../output/list-lines.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence list` */
export const runList: RunCommand = async (context, line) => {
  const daemon = await needUserDaemon(context);
  const { workloads } = await call(
    async () =>
      await daemon.list({ namespace: line.text('namespace') ?? '' }, { signal: context.signal }),
  );
  const shown = workloads.filter(
    ({ workload, intercepts }) =>
      (!line.on('intercepts') || intercepts.length > 0) &&
      (!line.on('agents') || workload?.agentInstalled === true) &&
      (!line.on('only-interceptable') ||
        intercepts.length > 0 ||
        workload?.notInterceptableReason === ''),
  );
  for (const text of listLines(shown)) context.print(text);
  return 0;
};
