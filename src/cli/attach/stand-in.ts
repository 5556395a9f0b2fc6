import type { CliContext } from '../context.ts';
import { readHandlerAsked } from '../handler/handler-asked.ts';
import { openHandler, prepareHandler } from '../handler/handler.ts';
import { endedSentence, runHandler, type PreparedHandler } from '../handler/run-handler.ts';
import { volumesRoot } from '../handler/starting-words.ts';
import { handlerLines, interceptedLines } from '../output/intercept-block.ts';
import { attachmentObject } from '../output/workload-object.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { runCommand } from '../run-command.ts';
import { connectedDaemon } from './connected-daemon.ts';
import type { Engagement } from './engagement.ts';
import { readEnvironmentFiles, writeEnvironment } from './environment-files.ts';
import { handlerPlace, placePort } from './handler-place.ts';
import { refuseWhatIsNotInDocker, withMountOf } from './in-docker.ts';
import { makeIntercept, type MadeIntercept } from './make-intercept.ts';
import { nobodyListensYet } from './nobody-listens-yet.ts';

/** Has it made, tells of it, and runs what stands in: a command, a container, or nothing of ours. */
export async function standIn(
  context: CliContext,
  line: ParsedLine,
  engagement: Engagement,
): Promise<number> {
  const { command } = engagement;
  const files = readEnvironmentFiles(line);
  const asked = readHandlerAsked(line);
  const opened = asked && (await openHandler(context, asked));
  const refuse = (): void =>
    refuseWhatIsNotInDocker(line, engagement.request, { hasHandler: opened !== undefined });
  if (line.on('docker')) refuse();
  const found = await connectedDaemon(context, engagement, line.on('docker'));
  const isInDocker = found.inDocker !== undefined;
  if (isInDocker) refuse();
  const isBesideHost = opened !== undefined && !isInDocker;
  const placed = placePort(engagement.request, { isBesideHost });
  const where = { ...handlerPlace(line, command, placed), ...found };
  await using handler = opened && (await prepareHandler(context, opened, where));
  const request = withMountOf(placed.request, isInDocker, handler?.volumes);
  const hold = line.command !== undefined;
  const made = await makeIntercept(context, found.daemon, { ...request, hold });
  const { info } = made;
  const root = handler && volumesRoot(handler, info);
  if (root !== undefined) info.environment['TELEPRESENCE_ROOT'] = root;
  try {
    await writeEnvironment(context, { ...files, command }, info.environment);
  } catch (error) {
    await made.leave();
    throw error;
  }
  const text = handler === undefined ? interceptedLines(info) : handlerLines(info);
  const object = line.on('detailed-output') ? attachmentObject(info) : undefined;
  context.show({ text, ...(object === undefined ? {} : { object, bare: true }) });
  if (line.command !== undefined) {
    const message = line.text('wait-message');
    return await runAndLeave(context, made, { command, words: line.command, handler, message });
  }
  // Most begin their program after this; a script knows what it does.
  if (context.interactive && !isInDocker) {
    for (const why of await nobodyListensYet(info)) context.warn(why);
  }
  return 0;
}

/** Runs what stands in to its end, and gives back what it stood in for, unless that has ended before. */
async function runAndLeave(
  context: CliContext,
  made: MadeIntercept,
  what: {
    readonly command: string;
    readonly words: readonly string[];
    readonly handler: PreparedHandler | undefined;
    /** Printed once it runs. */
    readonly message: string | undefined;
  },
): Promise<number> {
  const { info } = made;
  const { command, words, handler, message } = what;
  const onStart = (): void => {
    if (message !== undefined) context.print(message);
  };
  let isOver = false;
  let wanted = true;
  const ended = made.ended();
  void ended.then((why) => {
    wanted = false;
    if (isOver || handler !== undefined) return;
    context.warn(`telepresence ${command}: warning: ${endedSentence(info, why)}`);
  });
  try {
    return handler === undefined
      ? await runCommand(context, words, info.environment, onStart)
      : await runHandler(context, handler, { info, ended, onStart });
  } finally {
    isOver = true;
    if (wanted) await made.leave();
  }
}
