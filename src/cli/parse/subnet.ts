import { parseSubnet } from '#protocol/ip-address.ts';
import { CliError } from '../errors.ts';
import type { ParsedLine } from './flag-spec.ts';

/** The subnets of a flag, as typed; fails where one is none. */
export function readSubnets(line: ParsedLine, flag: string): string[] {
  const typed = [...line.list(flag)];
  const wrong = typed.find((each) => !isSubnet(each));
  if (wrong === undefined) return typed;
  throw new CliError(
    'Usage',
    `invalid argument "${wrong}" for "--${flag}": it is a subnet, such as 10.1.0.0/16`,
  );
}

/** Whether a text is a subnet, `10.1.0.0/16`, as the daemons read it. */
export function isSubnet(text: string): boolean {
  return text.includes('/') && parseSubnet(text) !== undefined;
}
