import type { ListShape, ObjectShape, Referred, Shape, Typed } from '../schema/shape.ts';
import { checkRule } from './check-rule.ts';
import { checkFree } from './check-free.ts';
import { type Finding, formatPath, type Path } from './problem.ts';
import { isList, isMap } from './value-kind.ts';
import { unknownField } from './unknown-field.ts';
import { allowedWords, quoted, valueWords } from './words.ts';

/** Takes note of what is wrong. */
export type Report = (finding: Finding) => void;

/** A text that names another part of the document. */
export interface Reference {
  readonly to: Referred;
  readonly name: string;
  readonly path: Path;
}

/** An object that what is looked at stands in. */
export interface Surrounding {
  readonly shape: ObjectShape;
  readonly path: Path;
}

/**
 * Whether `value` is what the shape describes. All that it is not is reported, and each text that
 * names another part of the document is given to `refer`.
 */
export function checkShape<S extends Shape>(
  shape: S,
  value: unknown,
  { report, refer }: { readonly report: Report; readonly refer: (reference: Reference) => void },
): value is Typed<S> {
  let isRight = true;
  const note: Report = (finding) => {
    isRight = false;
    report(finding);
  };
  check(shape, { value, path: [], around: [], report: note, refer });
  return isRight;
}

interface Looked {
  readonly value: unknown;
  readonly path: Path;
  /** The nearest last. */
  readonly around: readonly Surrounding[];
  readonly report: Report;
  readonly refer: (reference: Reference) => void;
  /** What the message says is allowed, where that is more than the shape. */
  readonly whole?: Shape;
}

function check(shape: Shape, looked: Looked): void {
  const { value, path, report, whole = shape } = looked;
  const wrong = (message: string, allowed = allowedWords(whole, value)): void => {
    report({ path, message, allowed });
  };
  if (!isOfKind(shape, value)) {
    wrong(`is ${valueWords(value)}`);
    return;
  }
  switch (shape.kind) {
    case 'text': {
      const written = String(value);
      const { form, max = written.length } = shape;
      if (written.includes('\0')) wrong('has the character NUL in it', 'a text without it');
      else if (written.length > max) {
        wrong(`has ${written.length} characters`, `at most ${max}`);
      } else if (form !== undefined && !new RegExp(form.pattern).test(written)) {
        wrong(`is ${valueWords(value)}`);
      } else if (form?.isValid?.(written) === false) {
        wrong(`${quoted(written)} is ${form.isNot ?? 'out of range'}`);
      } else if (shape.names !== undefined) looked.refer({ to: shape.names, name: written, path });
      return;
    }
    case 'choice':
      if (!shape.choices.includes(String(value))) wrong(`is ${valueWords(value)}`);
      return;
    case 'integer': {
      const number = Number(value);
      const { min, max } = shape;
      if (!Number.isSafeInteger(number) || number < min || number > max) {
        wrong(`is ${valueWords(value)}`);
      }
      return;
    }
    case 'boolean':
      return;
    case 'free':
      checkFree(value, wrong);
      return;
    case 'either': {
      const fitting = shape.shapes.find((one) => isOfKind(one, value));
      if (fitting !== undefined) check(fitting, { ...looked, whole: shape });
      return;
    }
    case 'list':
      if (isList(value)) checkList(shape, value, looked);
      return;
    case 'object':
      if (isMap(value)) checkObject(shape, value, looked);
  }
}

function isOfKind(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case 'text':
    case 'choice':
      return typeof value === 'string';
    case 'integer':
      return typeof value === 'number';
    case 'boolean':
      return typeof value === 'boolean';
    case 'list':
      return isList(value);
    case 'either':
      return shape.shapes.some((one) => isOfKind(one, value));
    case 'object':
    case 'free':
  }
  return isMap(value);
}

function checkList(shape: ListShape, items: readonly unknown[], looked: Looked): void {
  const { path, around, report, refer } = looked;
  const { min = 0, max = items.length, uniqueBy } = shape;
  if (items.length < min) report({ path, message: 'is an empty list', allowed: `${min} or more` });
  if (items.length > max) {
    report({ path, message: `has ${items.length} items`, allowed: `at most ${max}` });
  }
  const seen = new Map<unknown, number>();
  for (const [at, value] of items.slice(0, max).entries()) {
    check(shape.of, { value, path: [...path, at], around, report, refer });
    if (uniqueBy === undefined || !isMap(value)) continue;
    const key = value[uniqueBy];
    const first = seen.get(key);
    if (first === undefined) seen.set(key, at);
    else if (typeof key === 'string') {
      report({
        path: [...path, at, uniqueBy],
        message: `${quoted(key)} is there twice: ${formatPath([...path, first])} has it, too`,
      });
    }
  }
}

/** Nobody reads what is said of more. */
const mostUnknown = 100;

function checkObject(
  shape: ObjectShape,
  value: Readonly<Record<string, unknown>>,
  looked: Looked,
): void {
  const { path, report, refer } = looked;
  const around = [...looked.around, { shape, path }];
  const meant = new Set<string>();
  let unknowns = 0;
  for (const [key, one] of Object.entries(value)) {
    const field = Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;
    if (field === undefined) {
      unknowns += 1;
      // It takes its time to say what was meant.
      if (unknowns > mostUnknown) break;
      const unknown = unknownField(key, around);
      if (unknown.meant !== undefined) meant.add(unknown.meant);
      report({ path: [...path, key], atKey: true, ...unknown.finding });
    } else {
      check(field.shape, { value: one, path: [...path, key], around, report, refer });
    }
  }
  for (const [key, { required, shape: missing }] of Object.entries(shape.fields)) {
    if (!required || Object.hasOwn(value, key) || meant.has(key)) continue;
    report({ path: [...path, key], message: 'is missing', allowed: allowedWords(missing) });
  }
  for (const rule of shape.rules) checkRule(rule, value, path, report);
}
