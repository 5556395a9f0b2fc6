import { fault } from '../template-error.ts';
import { toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';

const pattern =
  /^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?(\+([0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*))?$/;

/** A semantic version, as `semver` gives it to the template. */
export class Version {
  readonly type = '*semver.Version';
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly pre: string;
  readonly metadata: string;
  readonly original: string;

  constructor(
    numbers: readonly [bigint, bigint, bigint],
    pre: string,
    metadata: string,
    original: string,
  ) {
    [this.major, this.minor, this.patch] = numbers;
    this.pre = pre;
    this.metadata = metadata;
    this.original = original;
  }

  /** Without a leading v, all three numbers. */
  toString(): string {
    const pre = this.pre === '' ? '' : `-${this.pre}`;
    const metadata = this.metadata === '' ? '' : `+${this.metadata}`;
    return `${this.major}.${this.minor}.${this.patch}${pre}${metadata}`;
  }
}

/** Reads `1`, `1.2`, `v1.2.3-rc.1+build`. */
export function parseVersion(bytes: ByteText): Version {
  const match = pattern.exec(toText(bytes));
  if (match === null) throw fault('Invalid Semantic Version');
  const pre = match[5] ?? '';
  if (pre.split('.').some((part) => /^0[0-9]+$/.test(part))) {
    throw fault('Version segment starts with 0');
  }
  const number = (text: string | undefined): bigint => {
    const value = BigInt((text ?? '0').replace('.', ''));
    if (value < 1n << 64n) return value;
    throw fault(
      `Error parsing version segment: strconv.ParseUint: parsing "${value}": value out of range`,
    );
  };
  const numbers: [bigint, bigint, bigint] = [number(match[1]), number(match[2]), number(match[3])];
  return new Version(numbers, pre, match[8] ?? '', bytes);
}

/** Which of two versions comes first (semver.org, §11). */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePre(a.pre, b.pre)
  );
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Which of two pre-releases comes first; a release comes after all of its pre-releases. */
export function comparePre(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = comparePart(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const numeric = /^[0-9]+$/;
  if (numeric.test(a) && numeric.test(b)) return compareNumbers(BigInt(a), BigInt(b));
  if (numeric.test(a)) return -1;
  if (numeric.test(b)) return 1;
  return toBytes(a) < toBytes(b) ? -1 : 1;
}
