import { call, needUserDaemon } from '../daemon/session.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence leave NAME`, and `detach` */
export const runLeave: RunCommand = async (context, line) => {
  const daemon = await needUserDaemon(context);
  const name = line.words[0] ?? '';
  const container = line.text('container') ?? '';
  const { restored, workload } = await call(
    async () => await daemon.leave({ name, container }, { signal: context.signal }),
  );
  if (restored !== '' && context.interactive) {
    context.warn(`container ${restored} of ${workload} comes back: its pods are made again`);
  }
  return 0;
};
