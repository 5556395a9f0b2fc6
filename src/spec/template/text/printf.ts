import type { Budget } from '../budget.ts';
import { toBytes } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { GoInt, typeName } from '../values.ts';
import type { Value } from '../values.ts';
import { formatValue } from './format-value.ts';
import { formatVerb } from './format-verb.ts';

/** The flags, width and precision of one verb. */
export interface VerbOptions {
  plus: boolean;
  minus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

/** Wider is refused by Go too. */
const maxWidth = 1_000_000;

/** Go's Sprintf. */
export function sprintf(format: ByteText, args: readonly Value[], budget: Budget): ByteText {
  return new Printf(format, args, budget).run();
}

class Printf {
  readonly #format: ByteText;
  readonly #args: readonly Value[];
  readonly #budget: Budget;
  #at = 0;
  #arg = 0;
  #reordered = false;
  #goodIndex = true;
  #afterIndex = false;

  constructor(format: ByteText, args: readonly Value[], budget: Budget) {
    this.#format = format;
    this.#args = args;
    this.#budget = budget;
  }

  run(): ByteText {
    let out = '';
    while (this.#at < this.#format.length) {
      const next = this.#format.indexOf('%', this.#at);
      if (next < 0) {
        out += this.#format.slice(this.#at);
        break;
      }
      out += this.#format.slice(this.#at, next);
      this.#at = next + 1;
      const part = this.#verb();
      this.#budget.make(part.length);
      out += part;
    }
    if (!this.#reordered && this.#arg < this.#args.length) out += this.#extra();
    return out;
  }

  #extra(): ByteText {
    const shown = this.#args.slice(this.#arg).map((value) => {
      if (value === undefined) return '<nil>';
      return `${typeName(value)}=${formatValue(value, this.#budget)}`;
    });
    return `%!(EXTRA ${shown.join(', ')})`;
  }

  /** One verb with all that stands before it; its percent sign is read. */
  #verb(): ByteText {
    this.#goodIndex = true;
    this.#afterIndex = false;
    const options = this.#flags();
    let trouble = '';
    this.#index();
    if (this.#take('*')) {
      const width = this.#number();
      if (width === undefined) trouble += '%!(BADWIDTH)';
      else if (width < 0) {
        options.minus = true;
        options.zero = false;
      }
      options.width = width === undefined ? undefined : Math.abs(width);
      this.#afterIndex = false;
    } else {
      options.width = this.#digits();
      if (this.#afterIndex && options.width !== undefined) this.#goodIndex = false;
    }
    if (this.#take('.')) {
      if (this.#afterIndex) this.#goodIndex = false;
      this.#index();
      if (this.#take('*')) {
        const precision = this.#number();
        options.precision = precision === undefined || precision < 0 ? undefined : precision;
        if (precision === undefined) trouble += '%!(BADPREC)';
        this.#afterIndex = false;
      } else {
        options.precision = this.#digits() ?? 0;
      }
    }
    if (!this.#afterIndex) this.#index();
    return trouble + this.#print(options);
  }

  #print(options: VerbOptions): ByteText {
    const code = this.#rune();
    if (code === undefined) return '%!(NOVERB)';
    if (code === '%') return '%';
    const verb = toBytes(code);
    if (!this.#goodIndex) return `%!${verb}(BADINDEX)`;
    if (this.#arg >= this.#args.length) return `%!${verb}(MISSING)`;
    const value = this.#args[this.#arg];
    this.#arg++;
    return formatVerb(code, value, options, this.#budget);
  }

  #rune(): string | undefined {
    const rest = Buffer.from(this.#format.slice(this.#at, this.#at + 4), 'latin1').toString('utf8');
    const letter = Array.from(rest)[0];
    if (letter !== undefined) this.#at += toBytes(letter).length;
    return letter;
  }

  #flags(): VerbOptions {
    const options: VerbOptions = {
      plus: false,
      minus: false,
      sharp: false,
      space: false,
      zero: false,
      width: undefined,
      precision: undefined,
    };
    for (;;) {
      if (this.#take('+')) options.plus = true;
      else if (this.#take('-')) options.minus = true;
      else if (this.#take('#')) options.sharp = true;
      else if (this.#take(' ')) options.space = true;
      else if (this.#take('0')) options.zero = true;
      else return options;
    }
  }

  #take(letter: string): boolean {
    if (this.#format[this.#at] !== letter) return false;
    this.#at++;
    return true;
  }

  #digits(): number | undefined {
    const match = /^[0-9]+/.exec(this.#format.slice(this.#at, this.#at + 8));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const value = Number(match[0]);
    return value > maxWidth ? undefined : value;
  }

  /** `[2]`: which argument is next. */
  #index(): void {
    if (this.#format[this.#at] !== '[') return;
    this.#reordered = true;
    const close = this.#format.indexOf(']', this.#at);
    if (close < 0) {
      this.#goodIndex = false;
      this.#at++;
      return;
    }
    const inside = this.#format.slice(this.#at + 1, close);
    this.#at = close + 1;
    const wanted = /^[0-9]{1,7}$/.test(inside) ? Number(inside) : 0;
    if (wanted < 1 || wanted > this.#args.length) {
      this.#goodIndex = false;
      return;
    }
    this.#arg = wanted - 1;
    this.#afterIndex = true;
  }

  /** A width or a precision that is an argument. */
  #number(): number | undefined {
    if (this.#arg >= this.#args.length) return undefined;
    const value = this.#args[this.#arg];
    this.#arg++;
    if (!(value instanceof GoInt)) return undefined;
    const number = Number(value.value);
    return Math.abs(number) > maxWidth ? undefined : number;
  }
}
