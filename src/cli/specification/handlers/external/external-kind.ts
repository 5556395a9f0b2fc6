import { resolve } from 'node:path';
import { stringify } from 'yaml';
import type { ExternalHandler } from '#spec/handler-spec.ts';
import { startedAtOnce } from '../handler-kind.ts';
import type { HandlerContext, HandlerKind, RunningHandler } from '../handler-kind.ts';
import { laptopMount } from '../script/script-kind.ts';
import { digestOf, removeOwnFile } from '../../undo/remove-own-file.ts';
import { externalDocument, type ExternalDocument } from './external-document.ts';
import { findOwnFile, freshBeside, writeOwnFile } from './own-file.ts';

/** Somebody else runs the handler: he is told what he needs, and nothing is run here. */
export const externalKind: HandlerKind<ExternalHandler> = {
  async prepare(handler, context) {
    const { cli, directory, name, environment } = context;
    const { outputPath, isDocker } = handler;
    const isStream = outputPath === 'stdout' || outputPath === 'stderr';
    const file = isStream ? undefined : resolve(directory, outputPath);
    if (file !== undefined) await findOwnFile(file, cli.uid);
    return startedAtOnce(
      // What a daemon in a container mounts is seen by nobody else.
      (intercept) => (isDocker ? undefined : laptopMount(intercept, directory)),
      async (served) => {
        const document = externalDocument({ name, environment }, served);
        const text = documentText(document, handler.outputFormat);
        if (file !== undefined) return await keepFile(context, file, text);
        for (const line of text.trimEnd().split('\n')) {
          if (outputPath === 'stderr') cli.warn(line);
          else cli.print(line);
        }
        return untilStopped(name, async () => await Promise.resolve());
      },
    );
  },
};

/** JSON is one line, which begins with a brace: those who read our output look for it. */
export function documentText(document: ExternalDocument, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${JSON.stringify(document)}\n` : stringify(document);
}

/** The file holds secrets of pods: it goes with what it tells of. */
async function keepFile(
  { cli, name, journal }: HandlerContext,
  file: string,
  text: string,
): Promise<RunningHandler> {
  // Once more: it took a while until the intercepts were there.
  const { path, isLinked } = await findOwnFile(file, cli.uid);
  const fresh = freshBeside(path);
  const step = { kind: 'own-file', path, fresh, digest: digestOf(text), isLinked } as const;
  const crossOut = journal.write(step);
  await writeOwnFile(path, fresh, text);
  return untilStopped(name, async () => {
    await removeOwnFile(step);
    crossOut();
  });
}

function untilStopped(name: string, takeBack: () => Promise<void>): RunningHandler {
  const ended = Promise.withResolvers<number>();
  let stopping: Promise<void> | undefined;
  return {
    name,
    ended: ended.promise,
    async stop() {
      stopping ??= takeBack();
      await stopping;
      ended.resolve(0);
    },
  };
}
