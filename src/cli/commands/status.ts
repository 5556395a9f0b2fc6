import { askRootVersion } from '../daemon/ask-versions.ts';
import { call, findUserDaemon } from '../daemon/session.ts';
import { statusLines, stoppedStatusLines } from '../output/status-block.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence status` */
export const runStatus: RunCommand = async (context) => {
  const daemon = await findUserDaemon(context);
  const lines =
    daemon === undefined
      ? stoppedStatusLines(await askRootVersion(context))
      : statusLines(await call(async () => await daemon.status({}, { signal: context.signal })));
  for (const text of lines) context.print(text);
  return 0;
};
