import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

/** Where the lines of one handler go. */
export interface HandlerOutput {
  /** A line on standard output. */
  out(line: string): void;
  /** A line on standard error. */
  err(line: string): void;
  /** All that a child prints, line for line; resolves when it has no more to say. */
  follow(child: {
    readonly stdout: Readable | null;
    readonly stderr: Readable | null;
  }): Promise<void>;
}

/** What is not ended by a line break is printed nevertheless once it is this long. */
const longestLine = 64 * 1024;

/** `name  | line`, as `docker compose` does; `width` is the longest name's. */
export function handlerOutput(
  streams: { print(line: string): void; warn(line: string): void },
  { name, width }: { readonly name: string; readonly width: number },
): HandlerOutput {
  const prefix = `${name.padEnd(width + 1)} | `;
  const out = (line: string): void => streams.print(`${prefix}${line}`);
  const err = (line: string): void => streams.warn(`${prefix}${line}`);
  return {
    out,
    err,
    follow: async ({ stdout, stderr }) => {
      await Promise.all([eachLine(stdout, out), eachLine(stderr, err)]);
    },
  };
}

async function eachLine(from: Readable | null, print: (line: string) => void): Promise<void> {
  if (from === null) return;
  const decoder = new StringDecoder('utf8');
  let kept = '';
  const take = (text: string): void => {
    const lines = (kept + text).split('\n');
    kept = lines.pop() ?? '';
    for (const line of lines) print(withoutReturn(line));
    if (kept.length < longestLine) return;
    print(kept);
    kept = '';
  };
  from.on('data', (chunk: Buffer) => take(decoder.write(chunk)));
  const over = Promise.withResolvers<undefined>();
  from.once('close', () => over.resolve(undefined));
  from.once('error', () => over.resolve(undefined));
  if (from.closed) over.resolve(undefined);
  await over.promise;
  take(decoder.end());
  if (kept !== '') print(withoutReturn(kept));
}

/** Of a progress bar what it says in the end; of a line of Windows the line. */
function withoutReturn(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf('\r') + 1);
}
