import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe } from '#base/errors.ts';
import type { InterceptEvent, InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../context.ts';
import { call, follow, needUserDaemon } from '../daemon/session.ts';
import { CliError } from '../errors.ts';
import { dockerEnvFile, jsonEnvFile } from '../output/env-file.ts';
import { interceptedLines } from '../output/intercept-block.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { parseInterceptPort } from '../parse/intercept-port.ts';
import { runCommand } from '../run-command.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence intercept NAME [-- COMMAND]` */
export const runIntercept: RunCommand = async (context, line) => {
  const request = readRequest(line);
  const daemon = await needUserDaemon(context);
  // While a command runs, this stream is what the daemon knows of us: killed, we cannot say goodbye.
  const hold = line.command !== undefined;
  const events = daemon.intercept({ ...request, hold }, { signal: context.signal });
  const info = await follow<InterceptEvent, InterceptInfo>(context, events, ({ event }) => {
    if (event.case === 'progress') return { progress: event.value };
    return event.case === 'active' ? { result: event.value } : undefined;
  });
  const leave = async (): Promise<void> => {
    await call(async () => await daemon.leave({ name: info.name, id: info.id }));
  };
  try {
    await writeEnvironment(context, line, info.environment);
  } catch (error) {
    await leave();
    throw error;
  }
  for (const text of interceptedLines(info)) context.print(text);
  if (line.command === undefined) return 0;
  let wanted = true;
  const onEnd = (): void => {
    if (!wanted) return;
    wanted = false;
    context.warn(`telepresence intercept: warning: the intercept ${info.name} has ended`);
  };
  events.next().then(onEnd, onEnd);
  try {
    return await runCommand(context, line.command, info.environment);
  } finally {
    if (wanted) {
      wanted = false;
      await leave();
    }
  }
};

function readRequest(line: ParsedLine): {
  readonly name: string;
  readonly workload: string;
  readonly service: string;
  readonly address: string;
  readonly port: string;
  readonly mechanism: string;
  readonly namespace: string;
  readonly container: string;
} {
  const typed = line.words[0] ?? '';
  const port = line.text('port') ?? '';
  parseInterceptPort(port);
  const mechanism = line.text('mechanism') ?? '';
  if (mechanism !== 'tcp') {
    throw new CliError(
      'Usage',
      `invalid argument "${mechanism}" for "--mechanism": there is only tcp`,
    );
  }
  const mount = line.text('mount') ?? '';
  if (mount !== 'false' && line.given('mount')) {
    throw new CliError('Usage', 'volumes cannot be mounted in this version', {
      hint: 'leave --mount out, or write --mount=false',
    });
  }
  const namespace = line.text('namespace') ?? '';
  const workload = line.text('workload') ?? '';
  // Where only a namespace is named, the intercept's name says it, as it always did.
  const name = namespace !== '' && workload === '' ? `${typed}-${namespace}` : typed;
  return {
    name,
    workload: workload === '' ? typed : workload,
    service: line.text('service') ?? '',
    address: line.text('address') ?? '',
    port,
    mechanism,
    namespace,
    container: line.text('container') ?? '',
  };
}

async function writeEnvironment(
  context: CliContext,
  line: ParsedLine,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const envFile = line.text('env-file');
  if (envFile !== undefined) {
    const { text, left } = dockerEnvFile(environment);
    await write(context, envFile, text);
    for (const name of left) {
      context.warn(
        `telepresence intercept: warning: ${name} is left out of ${envFile}: the syntax has no line breaks (--env-json has)`,
      );
    }
  }
  const envJson = line.text('env-json');
  if (envJson !== undefined) await write(context, envJson, jsonEnvFile(environment));
}

/** The environment holds secrets: the file is its owner's alone. */
async function write(context: CliContext, path: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(context.cwd, path), text, { mode: 0o600 });
  } catch (error) {
    throw new CliError('Failed', `write ${path}: ${describe(error)}`, { cause: error });
  }
}
