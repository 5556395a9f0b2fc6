import { call, needUserDaemon } from '../daemon/session.ts';
import { CliError } from '../errors.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence uninstall [--agent] WORKLOAD… | --all-agents` */
export const runUninstall: RunCommand = async (context, line) => {
  if (line.on('everything')) {
    throw new CliError('Usage', '--everything is no longer known', {
      hint: 'uninstall the traffic-manager with: telepresence helm uninstall',
    });
  }
  const all = line.on('all-agents');
  const workloads = [...line.words];
  if (all && workloads.length > 0) {
    throw new CliError('Usage', 'either name workloads, or say --all-agents');
  }
  if (!all && workloads.length === 0) {
    throw new CliError('Usage', 'WORKLOAD is missing', {
      hint: 'name workloads, or say --all-agents; see those that have an agent: telepresence list --agents',
    });
  }
  const daemon = await needUserDaemon(context);
  const { removed, refused } = await call(
    async () => await daemon.uninstall({ workloads }, { signal: context.signal }),
  );
  context.show({
    text: removed.map((name) => `${name}: traffic-agent uninstalled`),
    object: { uninstalled: removed },
  });
  if (refused.length === 0) return 0;
  throw new CliError('Failed', refused.join('; '));
};
