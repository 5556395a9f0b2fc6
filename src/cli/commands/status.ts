import { askRootVersion } from '../daemon/ask-versions.ts';
import { callWithin, findUserDaemon } from '../daemon/session.ts';
import { statusLines, stoppedStatusLines } from '../output/status-block.ts';
import { statusObject, stoppedStatusObject } from '../output/status-object.ts';
import type { RunCommand } from './command-spec.ts';

/** The daemon's own look at the tunnel takes two seconds at most. */
const answerMs = 5000;

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
  const status = await callWithin(context, answerMs, (signal) => daemon.status({}, { signal }));
  context.show({ text: statusLines(status), object: one(statusObject(status)), bare: true });
  return 0;
};
