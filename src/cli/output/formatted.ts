import type { CliContext, Shown } from '../context.ts';
import type { WantedFormat } from './format.ts';

/** A context whose text and objects are kept, and the end at which they are printed. */
export interface FormattedOutput {
  readonly context: CliContext;
  /** Prints what was kept; `error` is what the command failed with. */
  finish(error?: { readonly message: string; readonly hint: string | undefined }): void;
}

/** Puts what a command prints into one document for a program. */
export async function formattedOutput(
  real: CliContext,
  wanted: WantedFormat & { readonly cmd: string },
): Promise<FormattedOutput> {
  const { format, envelope, cmd } = wanted;
  const write = await writer(format);
  const text = { out: '', err: '' };
  let shown: Shown | undefined;
  let isDone = false;
  let isStreaming = false;

  const finish: FormattedOutput['finish'] = (error) => {
    if (isDone) {
      // What ran in between wrote to the same place; this much can still be said.
      if (error !== undefined) real.warn(error.message);
      return;
    }
    isDone = true;
    if (error !== undefined) {
      const told = error.hint === undefined ? {} : { hint: error.hint };
      real.print(
        write(
          envelope
            ? { cmd, ...kept(text, shown), err: error.message, ...told }
            : { error: error.message, ...told },
        ),
      );
      return;
    }
    if (isStreaming) return;
    if (shown?.object !== undefined && (shown.bare === true || !envelope)) {
      real.print(write(shown.object));
      return;
    }
    const found = kept(text, shown);
    if (Object.keys(found).length === 0) return;
    real.print(write(envelope ? { cmd, ...found } : found));
  };

  return {
    finish,
    context: {
      ...real,
      formatted: true,
      streaming: format === 'json-stream',
      // Nobody sits there who would read of progress.
      interactive: false,
      print: (line) => {
        text.out += `${line}\n`;
      },
      warn: (line) => {
        text.err += `${line}\n`;
      },
      show: (next) => {
        if (next.object === undefined) text.out += `${next.text.join('\n')}\n`;
        else shown = next;
      },
      emit: (object) => {
        isStreaming = true;
        real.print(write(object));
      },
      flush: () => finish(),
    },
  };
}

function kept(
  text: { readonly out: string; readonly err: string },
  shown: Shown | undefined,
): { stdout?: unknown; stderr?: string } {
  const stdout = shown?.object ?? (text.out === '' ? undefined : text.out);
  return {
    ...(stdout === undefined ? {} : { stdout }),
    ...(text.err === '' ? {} : { stderr: text.err }),
  };
}

async function writer(format: WantedFormat['format']): Promise<(object: unknown) => string> {
  if (format !== 'yaml') return (object) => JSON.stringify(object);
  const { stringify } = await import('yaml');
  return (object) => stringify(object, { lineWidth: 0 }).trimEnd();
}
