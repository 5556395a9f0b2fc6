import type { CliContext } from '../context.ts';
import { findUserDaemon } from '../daemon/session.ts';
import { CliError } from '../errors.ts';
import { completionScript } from '../output/completion-script.ts';
import { completeWords, type Candidates } from '../parse/complete-words.ts';
import type { ParsedLine } from '../parse/flag-spec.ts';
import { parseLine } from '../parse/parse-line.ts';
import type { RunCommand } from './command-spec.ts';
import { rootCommand } from './registry.ts';

/** `telepresence completion SHELL` */
export const runCompletion: RunCommand = async (context, line) => {
  const shell = line.words[0] ?? '';
  const script = completionScript(shell);
  if (script === undefined) {
    throw new CliError('Usage', `no completion for "${shell}": bash, zsh, fish or powershell`);
  }
  context.print(script.trimEnd());
  return await Promise.resolve(0);
};

/** `telepresence __complete -- WORD…`: a candidate a line; `:file` alone means files of the folder. */
export const runComplete: RunCommand = async (context, line) => {
  const found = completeWords(rootCommand, line.command ?? ['']);
  const { commands = [], begun } = found;
  for (const word of commands.filter((name) => name.startsWith(begun))) context.print(word);
  const words = await candidates(context, found).catch(() => []);
  for (const word of words) context.print(word);
  return 0;
};

async function candidates(context: CliContext, found: Candidates): Promise<readonly string[]> {
  const { of, begun, before } = found;
  if (of === 'file') return [':file'];
  const words = typeof of === 'string' ? await asked(context, of) : of;
  return words.filter((word) => word.startsWith(begun)).map((word) => `${before}${word}`);
}

function nothingTyped(): ParsedLine {
  return parseLine([], { names: [] }, []);
}

/** What only the kubeconfig, the cluster or the daemon knows. */
async function asked(
  context: CliContext,
  what: 'namespace' | 'context' | 'workload' | 'intercept',
): Promise<readonly string[]> {
  if (what === 'context') {
    const { readKubeconfig } = await import('#kube/kubeconfig.ts');
    const { loadOptions } = await import('../helm/cluster-client.ts');
    return [...(await readKubeconfig(await loadOptions(context, nothingTyped()))).contexts.keys()];
  }
  if (what === 'namespace') {
    const { namespaceNames } = await import('./list-namespaces.ts');
    return await namespaceNames(context, nothingTyped());
  }
  const daemon = await findUserDaemon(context);
  if (daemon === undefined) return [];
  const { signal } = context;
  const { workloads } = await daemon.list({}, { signal });
  return what === 'workload'
    ? workloads.map(({ workload }) => workload?.name ?? '')
    : workloads.flatMap(({ intercepts }) => intercepts.map(({ name }) => name));
}
