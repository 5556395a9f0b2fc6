import type { CliContext } from '../context.ts';
import { askRootVersion } from '../daemon/ask-versions.ts';
import { callWithin, findDaemons, type FoundDaemon } from '../daemon/session.ts';
import {
  silentStatusLines,
  statusLines,
  stoppedStatusLines,
  type OfSeveral,
} from '../output/status-block.ts';
import { silentStatusObject, statusObject, stoppedStatusObject } from '../output/status-object.ts';
import type { RunCommand } from './command-spec.ts';

/** The daemon's own look at the tunnel takes two seconds at most. */
const answerMs = 5000;

/** What `status` says of one daemon. */
interface Shown {
  readonly text: readonly string[];
  readonly object: object;
}

/** `telepresence status` */
export const runStatus: RunCommand = async (context, line) => {
  const found = await findDaemons(context);
  const all =
    found.length > 1
      ? await Promise.all(found.map(async (each) => await oneOfSeveral(context, each)))
      : [await theOne(context, found[0])];
  const [first] = all;
  const isOne = all.length === 1 && !line.on('multi-daemon');
  const object = isOne && first ? first.object : { connections: all.map((each) => each.object) };
  context.show({ text: blocks(all), object, bare: true });
  return 0;
};

/** One after the other, with an empty line between. */
function blocks(all: readonly Shown[]): readonly string[] {
  const lines: string[] = [];
  for (const { text } of all) lines.push(...(lines.length === 0 ? [] : ['']), ...text);
  return lines;
}

async function theOne(context: CliContext, found: FoundDaemon | undefined): Promise<Shown> {
  if (found !== undefined) return await ask(context, found);
  const root = await askRootVersion(context);
  return { text: stoppedStatusLines(root), object: stoppedStatusObject(root) };
}

/** One that does not answer says nothing of the others. */
async function oneOfSeveral(context: CliContext, found: FoundDaemon): Promise<Shown> {
  const of = { connection: found.inDocker?.connection ?? '' };
  try {
    return await ask(context, found, of);
  } catch (error) {
    context.signal.throwIfAborted();
    return { text: silentStatusLines(of, error), object: silentStatusObject(of, error) };
  }
}

async function ask(
  context: CliContext,
  { daemon, inDocker }: FoundDaemon,
  of?: OfSeveral,
): Promise<Shown> {
  const asked = async (signal: AbortSignal) => await daemon.status({}, { signal });
  const status = await callWithin(context, answerMs, asked, daemon.socket);
  return { text: statusLines(status, inDocker, of), object: statusObject(status, inDocker) };
}
