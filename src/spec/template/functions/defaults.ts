import { fn1, fn3, fnMany, fnOneMany } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { fault } from '../template-error.ts';
import { toText } from '../byte-text.ts';
import { deepEqual } from '../execute/compare.ts';
import { fn0, fn2 } from '../execute/function.ts';
import { isTrue, kindName, typeName } from '../values.ts';
import type { Value } from '../values.ts';

/** What is empty is what is false, and nothing else. */
const empty = (value: Value): boolean => !isTrue(value);

/** Sprig's defaults, types and flow. */
export const defaultFunctions: Readonly<Record<string, TemplateFunction>> = {
  hello: fn0(() => 'Hello!'),
  default: fnOneMany(['any', 'any'], (fallback, [given]) => (empty(given) ? fallback : given)),
  empty: fn1('any', (value) => empty(value)),
  coalesce: fnMany('any', (values) => values.find((value) => !empty(value))),
  all: fnMany('any', (values) => values.every((value) => !empty(value))),
  any: fnMany('any', (values) => values.some((value) => !empty(value))),
  ternary: fn3(['any', 'any', 'bool'], ([yes, no, which]) => (which ? yes : no)),
  fail: fn1('string', (message) => {
    throw fault(toText(message));
  }),
  typeOf: fn1('any', (value) => typeName(value)),
  typeIs: fn2(['string', 'any'], (type, value) => type === typeName(value)),
  typeIsLike: fn2(['string', 'any'], (type, value) => {
    const name = typeName(value);
    return type === name || `*${type}` === name;
  }),
  kindOf: fn1('any', (value) => kindName(value)),
  kindIs: fn2(['string', 'any'], (kind, value) => kind === kindName(value)),
  deepEqual: fn2(['any', 'any'], (a, b, { budget }) => deepEqual(a, b, budget)),
};
