import { askRootVersion } from '../daemon/ask-versions.ts';
import { call, findUserDaemon } from '../daemon/session.ts';
import { statusLines, stoppedStatusLines } from '../output/status-block.ts';
import { statusObject, stoppedStatusObject } from '../output/status-object.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence status` */
export const runStatus: RunCommand = async (context, line) => {
  const daemon = await findUserDaemon(context);
  const one = (object: object): object =>
    line.on('multi-daemon') ? { connections: [object] } : object;
  if (daemon === undefined) {
    const root = await askRootVersion(context);
    context.show({
      text: stoppedStatusLines(root),
      object: one(stoppedStatusObject(root)),
      bare: true,
    });
    return 0;
  }
  const status = await call(async () => await daemon.status({}, { signal: context.signal }));
  context.show({ text: statusLines(status), object: one(statusObject(status)), bare: true });
  return 0;
};
