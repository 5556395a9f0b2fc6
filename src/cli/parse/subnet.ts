import { isIP } from 'node:net';
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

/** Whether a text is a subnet, `10.1.0.0/16`. */
export function isSubnet(text: string): boolean {
  const [address = '', prefix = '', ...more] = text.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  return (
    bits !== undefined && more.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits
  );
}
