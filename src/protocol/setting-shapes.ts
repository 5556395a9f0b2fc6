import * as v from 'valibot';
import { durationMs } from '#base/duration.ts';
import { parseIp, parseSubnet } from './ip-address.ts';

// What a timer can hold; also fits every message.
const longestMs = 2 ** 31 - 1;

/** As Go writes it, or a number of seconds. */
function msOf(typed: string | number): number | undefined {
  const ms = typeof typed === 'string' ? durationMs(typed) : typed < 0 ? undefined : typed * 1000;
  // Not a number, as YAML can say.
  return ms === undefined || Number.isNaN(ms) ? undefined : Math.min(Math.round(ms), longestMs);
}

/** A list of texts. */
export const texts = v.array(v.string());

/** `10.1.0.0/16`, or one address. */
export const subnet = v.pipe(
  v.string(),
  v.check((text) => parseSubnet(text) !== undefined || parseIp(text) !== undefined, 'a subnet'),
);
export const subnets = v.array(subnet);

/** `20s`, `1m30s`, or a number of seconds; read as milliseconds. */
export const duration = v.pipe(
  v.union([v.string(), v.number()], 'a duration such as 20s'),
  v.check((typed) => msOf(typed) !== undefined, 'a duration such as 20s'),
  v.transform((typed) => msOf(typed) ?? 0),
);

/** A name, and what it stands for. */
export const mappings = v.array(v.object({ name: v.string(), aliasFor: v.string() }));

export const port = v.pipe(
  v.number(),
  v.check((typed) => Number.isInteger(typed) && typed >= 1 && typed <= 65_535, 'a port'),
);

const quantity = /^\d+(\.\d+)?(e\d+|[EPTGMk]|[EPTGMK]i)?$/;

/** Bytes, as Kubernetes writes quantities. */
export const size = v.pipe(
  v.union([v.number(), v.string()], 'a size such as 10Mi'),
  v.check(
    (typed) => (typeof typed === 'number' ? typed >= 0 : quantity.test(typed)),
    'a size such as 10Mi',
  ),
);

/** What should stand there. */
export function wanted(issue: v.BaseIssue<unknown>): string {
  const { expected, received, type, message } = issue;
  // A key that is missing: what it is called stands before this.
  if (type === 'object' && received === 'undefined') return 'a value';
  // Where a choice or a pattern was not met, a schema's own words say what it is.
  return expected === null || ['union', 'picklist', 'regex'].includes(type)
    ? message
    : expected.toLowerCase();
}
