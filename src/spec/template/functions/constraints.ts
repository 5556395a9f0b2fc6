import { toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fault } from '../template-error.ts';
import { fn1, fn2 } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { comparePre, compareVersions, parseVersion } from './version.ts';
import type { Version } from './version.ts';

const number = String.raw`[0-9|xX*]+`;
const suffix = String.raw`(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`;
const version = String.raw`v?${number}(?:\.${number})?(?:\.${number})?${suffix}`;
const operator = String.raw`(?:!=|=>|=<|>=|<=|~>|=|>|<|~|\^|)`;
const one = new RegExp(
  String.raw`^\s*(${operator})\s*(v?(${number})(\.${number})?(\.${number})?(${suffix}))\s*$`,
);
const several = new RegExp(String.raw`${operator}\s*${version}`, 'g');
const valid = new RegExp(
  String.raw`^\s*${operator}\s*${version}\s*(?:(?:\s+|,\s*)${operator}\s*${version}\s*)*$`,
);
const range = new RegExp(String.raw`\s*(${version})\s+-\s+(${version})\s*`, 'g');

/** One comparison: the version, and which of its numbers were left open. */
interface Constraint {
  readonly operator: string;
  readonly version: Version;
  readonly open: 'none' | 'patch' | 'minor' | 'major';
}

const isOpen = (part: string | undefined): boolean =>
  part === undefined || /^\.?(?:[xX*])?$/.test(part);

function parseOne(text: string): Constraint {
  if (text === '') return { operator: '', version: parseVersion('0.0.0'), open: 'major' };
  const match = one.exec(text);
  if (match === null) throw fault(`improper constraint: ${text}`);
  const [, operator = '', whole = '', major, minor, patch, rest = ''] = match;
  const pre = rest.split('+')[0] ?? '';
  const read = (written: string): Version => {
    try {
      return parseVersion(written);
    } catch {
      throw fault('constraint Parser Error');
    }
  };
  if (isOpen(major)) return { operator, version: read(`0.0.0${pre}`), open: 'major' };
  if (isOpen(minor)) return { operator, version: read(`${major}.0.0${pre}`), open: 'minor' };
  if (isOpen(patch)) return { operator, version: read(`${major}${minor}.0${pre}`), open: 'patch' };
  return { operator, version: read(whole), open: 'none' };
}

/** Alternatives of comparisons that all have to be met. */
function parse(bytes: ByteText): Constraint[][] {
  const text = toText(bytes).replaceAll(
    range,
    (_, from: string, to: string) => `>= ${from}, <= ${to} `,
  );
  return text.split('||').map((part) => {
    if (part.length > 512 || !valid.test(part)) throw fault(`improper constraint: ${part}`);
    return (part.match(several) ?? [part]).map(parseOne);
  });
}

function meets(found: Version, constraint: Constraint): boolean {
  const { operator, version: wanted, open } = constraint;
  const order = compareVersions(found, wanted);
  if (operator === '!=') return differs(found, constraint, order);
  // Who does not ask for pre-releases does not get them.
  if (found.pre !== '' && wanted.pre === '') return false;
  switch (operator) {
    case '>':
      if (open === 'none') return order > 0;
      if (found.major !== wanted.major) return found.major > wanted.major;
      if (open === 'minor') return false;
      return open === 'patch' ? found.minor > wanted.minor : order > 0;
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (open === 'none') return order <= 0;
      if (found.major !== wanted.major) return found.major < wanted.major;
      return found.minor <= wanted.minor || open === 'minor';
    case '~':
    case '~>':
      return tilde(found, constraint, order);
    case '^':
      return caret(found, constraint, order);
    default:
      return open === 'none' ? order === 0 : tilde(found, constraint, order);
  }
}

function differs(found: Version, { version: wanted, open }: Constraint, order: number): boolean {
  if (open === 'none') return order !== 0;
  if (found.pre !== '' && wanted.pre === '') return false;
  if (found.major !== wanted.major) return true;
  if (open === 'minor') return false;
  if (found.minor !== wanted.minor) return true;
  if (open === 'patch') return comparePre(found.pre, wanted.pre) !== 0;
  return found.patch !== wanted.patch || order !== 0;
}

function tilde(found: Version, { version: wanted, open }: Constraint, order: number): boolean {
  if (order < 0) return false;
  const zero = wanted.major === 0n && wanted.minor === 0n && wanted.patch === 0n;
  if (zero && (open === 'none' || open === 'major')) return true;
  return found.major === wanted.major && (found.minor === wanted.minor || open === 'minor');
}

function caret(found: Version, { version: wanted, open }: Constraint, order: number): boolean {
  if (order < 0) return false;
  if (wanted.major > 0n || open === 'minor') return found.major === wanted.major;
  if (found.major > 0n) return false;
  if (wanted.minor > 0n || open === 'patch') return found.minor === wanted.minor;
  return found.minor === 0n && found.patch === wanted.patch;
}

/** Sprig's semantic versions. */
export const versionFunctions: Readonly<Record<string, TemplateFunction>> = {
  semver: fn1('string', (text) => parseVersion(text)),
  semverCompare: fn2(['string', 'string'], (constraint, text) => {
    const alternatives = parse(constraint);
    const found = parseVersion(text);
    return alternatives.some((all) => all.every((one) => meets(found, one)));
  }),
};
