import type { FlagSpec } from '../parse/flag-spec.ts';
import type { CommandSpec } from '../commands/command-spec.ts';

/** The help of one command, or of a command that only has others beneath it. */
export function commandHelp(command: CommandSpec): string {
  const lines = [command.summary, ''];
  if (command.details !== undefined) lines.push(command.details, '');
  lines.push('Usage:', `  ${usage(command)}`);
  if (command.subcommands !== undefined) lines.push(`  ${commandUsage(command)}`);
  lines.push('');
  if (command.examples !== undefined) {
    lines.push('Examples:', ...command.examples.map((example) => `  ${example}`), '');
  }
  const all = [...(command.commands ?? []), ...(command.subcommands ?? [])];
  const children = all.filter(({ hidden }) => hidden !== true);
  if (children.length > 0) lines.push('Available Commands:', ...commandTable(children), '');
  for (const { title, flags } of command.flagGroups) {
    lines.push(`${title}:`, ...flagTable(flags), '');
  }
  return lines.join('\n');
}

function commandUsage({ path }: CommandSpec): string {
  return ['telepresence', ...path, 'COMMAND'].join(' ');
}

function usage({ path, positionals, commands, flagGroups }: CommandSpec): string {
  const parts = ['telepresence', ...path];
  if (commands !== undefined) parts.push('COMMAND');
  parts.push(...positionals.names);
  if (positionals.rest !== undefined) parts.push(`[${positionals.rest}...]`);
  if (flagGroups.length > 0) parts.push('[flags]');
  if (positionals.command === true) parts.push('[-- COMMAND...]');
  return parts.join(' ');
}

function commandTable(commands: readonly CommandSpec[]): readonly string[] {
  const width = Math.max(...commands.map(({ path }) => (path.at(-1) ?? '').length));
  return commands.map(({ path, summary }) => `  ${(path.at(-1) ?? '').padEnd(width)}  ${summary}`);
}

function flagTable(flags: readonly FlagSpec[]): readonly string[] {
  const rows = flags
    .filter(({ hidden }) => hidden !== true)
    .map((flag) => {
      const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
      const value = flag.kind === 'switch' ? '' : ` ${flag.value ?? 'string'}`;
      const known = flag.default === undefined ? '' : ` (default ${flag.default})`;
      return { left: `${short}--${flag.name}${value}`, right: `${flag.help}${known}` };
    });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`);
}
