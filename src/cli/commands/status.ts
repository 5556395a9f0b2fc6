import { askRootVersion } from '../daemon/ask-versions.ts';
import { callWithin, findDaemon } from '../daemon/session.ts';
import { statusLines, stoppedStatusLines } from '../output/status-block.ts';
import { statusObject, stoppedStatusObject } from '../output/status-object.ts';
import type { RunCommand } from './command-spec.ts';

/** The daemon's own look at the tunnel takes two seconds at most. */
const answerMs = 5000;

/** `telepresence status` */
export const runStatus: RunCommand = async (context, line) => {
  const found = await findDaemon(context);
  const one = (object: object): object =>
    line.on('multi-daemon') ? { connections: [object] } : object;
  if (found === undefined) {
    const root = await askRootVersion(context);
    context.show({
      text: stoppedStatusLines(root),
      object: one(stoppedStatusObject(root)),
      bare: true,
    });
    return 0;
  }
  const { daemon, inDocker } = found;
  const ask = async (signal: AbortSignal) => await daemon.status({}, { signal });
  const status = await callWithin(context, answerMs, ask, daemon.socket);
  const object = one(statusObject(status, inDocker));
  context.show({ text: statusLines(status, inDocker), object, bare: true });
  return 0;
};
