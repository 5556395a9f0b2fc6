import { onText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';
import { goSpace, lowerRune, upperRune } from './strings.ts';

/** What a run of characters is, in the library that Sprig uses for its cases. */
type WordKind = 'number' | 'upper' | 'letters' | 'connector' | 'punctuation' | 'other' | 'none';

interface Word {
  readonly kind: WordKind;
  readonly text: string;
}

const isConnector = (letter: string): boolean => /[-_]/.test(letter) || goSpace.test(letter);
const isUpper = (letter: string): boolean => /\p{Lu}/u.test(letter);
/** Letters of scripts that have cases. */
const isAlphabet = (letter: string): boolean =>
  /[\p{Lu}\p{Ll}\p{Lt}]/u.test(letter) || (/\p{L}/u.test(letter) && !/\p{Lo}/u.test(letter));
const isPunctuation = (letter: string): boolean => /\p{P}/u.test(letter);
const isNumber = (letter: string): boolean => /\p{N}/u.test(letter);
const isOther = (letter: string): boolean =>
  !(isConnector(letter) || isAlphabet(letter) || isNumber(letter) || isPunctuation(letter));

const none: Word = { kind: 'none', text: '' };

/** The words of a text: `HTTPServer2` is `HTTP`, `Server`, `2`. */
function wordsOf(text: string): Word[] {
  const letters = Array.from(text);
  const found: Word[] = [];
  let at = 0;
  const take = (kind: WordKind, belongs: (letter: string) => boolean): void => {
    let end = at + 1;
    while (end < letters.length && belongs(letters[end] ?? '')) end++;
    found.push({ kind, text: letters.slice(at, end).join('') });
    at = end;
  };
  const small = (letter: string): boolean => isAlphabet(letter) && !isUpper(letter);
  while (at < letters.length) {
    const letter = letters[at] ?? '';
    const next = letters[at + 1] ?? '';
    if (isConnector(letter)) take('connector', isConnector);
    else if (isPunctuation(letter)) take('punctuation', isPunctuation);
    else if (isUpper(letter) && isUpper(next)) {
      let end = at + 1;
      while (end < letters.length && isUpper(letters[end] ?? '')) end++;
      // Of `HTTPStatus` the S belongs to the second word.
      if (isAlphabet(letters[end] ?? '')) end--;
      found.push({ kind: 'upper', text: letters.slice(at, end).join('') });
      at = end;
    } else if (isUpper(letter)) take('upper', small);
    else if (isAlphabet(letter)) take('letters', small);
    else if (isNumber(letter)) take('number', isNumber);
    else take('other', isOther);
  }
  return found;
}

function lowered({ kind, text }: Word, connector: string): string {
  if (kind !== 'upper' && kind !== 'connector') return text;
  return Array.from(text, (letter) => (isConnector(letter) ? connector : lowerRune(letter))).join(
    '',
  );
}

/** `HTTPServer` as `http_server`; numbers stay with the word before them where they end it. */
function separated(text: string, connector: string): string {
  const words = wordsOf(text);
  let out = '';
  let at = 0;
  const take = (): Word => words[at++] ?? none;
  let word = take();
  const glue = (): void => {
    while (word.kind === 'letters' || word.kind === 'number') {
      out += lowered(word, connector);
      word = take();
    }
    if (word.kind !== 'none' && word.kind !== 'punctuation' && word.kind !== 'connector') {
      out += connector;
    }
  };
  while (at < words.length) {
    const previous = word;
    if (previous.kind !== 'connector') out += lowered(previous, connector);
    word = take();
    if (previous.kind === 'number') {
      glue();
    } else if (previous.kind === 'connector') {
      out += lowered(previous, connector);
    } else if (previous.kind !== 'punctuation') {
      if (word.kind !== 'number') {
        if (word.kind !== 'connector' && word.kind !== 'punctuation') out += connector;
      } else if (at < words.length) {
        const number: Word = word;
        word = take();
        if (word.kind === 'letters') {
          out += connector + lowered(number, connector);
          glue();
        } else {
          out += lowered(number, connector);
          if (word.kind !== 'connector' && word.kind !== 'punctuation') out += connector;
        }
      }
    }
  }
  return out + lowered(word, connector);
}

/** `some_words` as `SomeWords`; connectors at the beginning stay, of several in a row one goes. */
function pascal(text: string): string {
  const letters = Array.from(text);
  const start = letters.findIndex((letter) => !isConnector(letter));
  // Of nothing but connectors the library that Sprig uses writes the last one twice.
  if (start < 0) return text + (letters.at(-1) ?? '');
  let out = letters.slice(0, start).join('');
  let current = letters[start] ?? '';
  if (start === letters.length - 1) return out + upperRune(current);
  let allUpper = isUpper(current);
  current = upperRune(current);
  for (const letter of letters.slice(start + 1)) {
    const before = current;
    current = letter;
    if (isConnector(letter) && isConnector(before)) {
      out += before;
    } else if (isConnector(before)) {
      allUpper = isUpper(letter);
      current = upperRune(letter);
    } else {
      if (allUpper && isUpper(letter)) current = lowerRune(letter);
      else allUpper = false;
      out += before;
    }
  }
  return out + current;
}

/** Sprig's cases of words. */
export const caseFunctions: Readonly<Record<string, TemplateFunction>> = {
  snakecase: fn1(
    'string',
    onText((text) => separated(text, '_')),
  ),
  kebabcase: fn1(
    'string',
    onText((text) => separated(text, '-')),
  ),
  camelcase: fn1('string', onText(pascal)),
};
