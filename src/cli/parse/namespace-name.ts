import { CliError } from '../errors.ts';
import type { ParsedLine } from './flag-spec.ts';

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** The namespace of a flag, as typed; fails where it can be no namespace's name. */
export function readNamespace(line: ParsedLine, flag: string): string | undefined {
  const typed = line.text(flag);
  if (typed !== undefined && !dnsLabel.test(typed)) throw bad(flag, typed);
  return typed;
}

/** The namespaces of `--mapped-namespaces`; `all` takes back what a configuration says. */
export function readMappedNamespaces(line: ParsedLine): string[] {
  const flag = 'mapped-namespaces';
  const typed = line.list(flag).map((name) => name.trim());
  if (line.given(flag) && typed.length === 0) throw bad(flag, '');
  const wrong = typed.find((name) => !dnsLabel.test(name));
  if (wrong !== undefined) throw bad(flag, wrong);
  if (!typed.includes('all')) return [...new Set(typed)];
  if (typed.some((name) => name !== 'all')) {
    throw new CliError('Usage', `"all" stands alone in "--${flag}"`);
  }
  return [];
}

function bad(flag: string, typed: string): CliError {
  return new CliError(
    'Usage',
    `invalid argument "${typed}" for "--${flag}": a namespace's name has small letters, digits and dashes`,
  );
}
