import { join } from 'node:path';
import { parseSpecification } from '#spec/parse/parse-specification.ts';
import type { CliContext } from '../../context.ts';
import { dockerDaemonClient } from '../../daemon/session.ts';
import { knownDockerConnections } from '../../docker/helpers.ts';
import type { RunConnection } from '../handlers/handler-kind.ts';
import { runToEnd } from '../run-to-end.ts';
import type { UndoStepOf } from './undo-step.ts';

/** Nobody is there to end what hangs. */
const deletionMs = 600_000;

/** Runs what undoes a prerequisite, in the place of a run that was killed. */
export async function runDeletion(
  context: CliContext,
  { handler: name, document, name: fallbackName, directory, connection }: UndoStepOf<'delete'>,
  run: { readonly id: string; readonly directory: string },
): Promise<void> {
  const parsed = parseSpecification({ text: document, file: fallbackName, fallbackName });
  if (!('specification' in parsed)) return;
  const handler = parsed.specification.handlers.find((one) => one.name === name);
  if (handler === undefined) return;
  const traces = {
    id: run.id,
    directory: join(run.directory, `deleted-${name}`),
    watcher: { runs: () => {}, doubt: () => {} },
    usedVolumes: new Set<string>(),
    usedProjects: new Set<string>(),
  };
  const silent = { print: () => {}, warn: () => {} };
  const journal = { write: () => () => {} };
  const connections = await connectionsFor(context, connection);
  const shared = { directory, connections, journal, width: name.length, lines: silent };
  const late = AbortSignal.timeout(deletionMs);
  const cli = { ...context, signal: late, ...silent };
  await runToEnd(cli, shared, { handler, traces, stop: late, kill: late });
}

/** Its network, while there is one. */
async function connectionsFor(
  context: CliContext,
  connection: string | undefined,
): Promise<readonly RunConnection[]> {
  if (connection === undefined) return [];
  const known = await knownDockerConnections(context);
  return known
    .filter((one) => one.connection === connection)
    .map((one) => ({
      daemon: dockerDaemonClient(one),
      inDocker: one,
      name: connection,
      context: one.context,
      namespace: one.namespace,
    }));
}
