import type { InterceptMode } from '#protocol/intercept-mode.ts';
import { readInterceptRequest, readReplaceRequest } from '../attach/intercept-request.ts';
import { standIn } from '../attach/stand-in.ts';
import { heededConfig } from '../config/heeded-config.ts';
import type { CliContext } from '../context.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import type { RunCommand } from './command-spec.ts';

/** `telepresence intercept NAME [-- COMMAND]` */
export const runIntercept: RunCommand = async (context, line) =>
  await attach(context, line, 'intercept');

/** `telepresence wiretap NAME [-- COMMAND]` */
export const runWiretap: RunCommand = async (context, line) =>
  await attach(context, line, 'wiretap');

/** `telepresence ingest WORKLOAD [-- COMMAND]` */
export const runIngest: RunCommand = async (context, line) => await attach(context, line, 'ingest');

async function attach(context: CliContext, line: ParsedLine, mode: InterceptMode): Promise<number> {
  const settings = await heededConfig(context);
  const request = readInterceptRequest(line, {
    defaultPort: settings.config.intercept.defaultPort,
    cwd: context.cwd,
    mode,
  });
  return await standIn(context, line, { command: mode, request, settings });
}

/** `telepresence replace NAME [-- COMMAND]` */
export const runReplace: RunCommand = async (context, line) => {
  const settings = await heededConfig(context);
  const request = readReplaceRequest(line, context.cwd);
  return await standIn(context, line, { command: 'replace', request, settings });
};
