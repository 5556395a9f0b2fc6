import { Composer, type Document, isScalar, Lexer, LineCounter, Parser } from 'yaml';
import { toError } from '#base/errors.ts';
import { findRepeats } from './find-repeats.ts';
import { placeIn } from './place-in.ts';
import type { Path, Place } from './problem.ts';

/** Something wrong with the text as YAML. */
export interface TextTrouble extends Place {
  readonly message: string;
  readonly allowed?: string | undefined;
}

/** What a YAML text says, or what is wrong with it. */
export type ReadYaml =
  | {
      readonly value: unknown;
      /** Where the value at `path` stands, or its key; where there is none, what it would stand in. */
      readonly placeOf: (path: Path, atKey: boolean) => Place;
    }
  | { readonly troubles: readonly TextTrouble[] };

/** Far more than a specification needs, with a Compose document in it. */
export const mostCharacters = 1 << 20;
/** What is nested deeper would be more than the YAML library's recursion can read. */
const deepestNesting = 200;
/** Far more than people write; to make a document of them takes seconds. */
const mostLexemes = 200_000;
/** What follows the first few is mostly their consequence. */
const mostTroubles = 10;
const mostAliases = 100;

/** Reads a YAML (or JSON) text of one document. */
export function readYaml(text: string): ReadYaml {
  const start = { line: 1, column: 1 };
  const trouble = (message: string, place: Place = start, allowed?: string): ReadYaml => ({
    troubles: [{ ...place, message, allowed }],
  });
  if (text.length > mostCharacters) {
    return trouble(`has ${text.length} characters`, start, `at most ${mostCharacters}`);
  }
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const parsed = parseBounded(text, lines);
    if ('tooDeepAt' in parsed) {
      return trouble('is nested too deeply', placeAt(parsed.tooDeepAt), 'a hundred levels');
    }
    if ('tooMuchAt' in parsed) {
      const place = placeAt(parsed.tooMuchAt);
      return trouble('is too long', place, `${mostLexemes} words, signs and line breaks`);
    }
    const [document, second] = parsed.documents;
    if (document === undefined) return trouble('is empty', start, 'an Intercept Specification');
    const found = [
      ...document.errors.map(({ pos, code, message }) => ({
        offset: pos[0],
        message: code === 'RESOURCE_EXHAUSTION' ? 'is nested too deeply' : inOurWords(message),
      })),
      // Tags above all: what they would make of a value is lost.
      ...document.warnings.map(({ pos, message }) => ({
        offset: pos[0],
        message: inOurWords(message),
      })),
      ...findRepeats(document, mostTroubles),
    ];
    if (second !== undefined) {
      const offset = second.range[0];
      found.push({ offset, message: 'a second document begins: one is expected in a file' });
    }
    if (found.length > 0) {
      const inOrder = found.toSorted((a, b) => a.offset - b.offset).slice(0, mostTroubles);
      return {
        troubles: inOrder.map(({ offset, message }) => {
          const { line, column } = placeAt(offset);
          return { line, column, message };
        }),
      };
    }
    const value: unknown = document.toJS({ maxAliasCount: mostAliases });
    return { value, placeOf: (path, atKey) => placeAt(placeIn(document, path, atKey)) };
  } catch (error) {
    // The library throws what it finds while it makes values of nodes, without a place.
    return trouble(inOurWords(toError(error).message));
  }
}

function parseBounded(
  text: string,
  lines: LineCounter,
):
  | { readonly documents: readonly Document.Parsed[] }
  | { readonly tooDeepAt: number }
  | { readonly tooMuchAt: number } {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const tokens = [];
  let left = mostLexemes;
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    left -= 1;
    if (left < 0) return { tooMuchAt: parser.offset };
    if (parser.stack.length > deepestNesting) return { tooDeepAt: parser.offset };
  }
  tokens.push(...parser.end());
  const composer = new Composer({
    merge: true,
    logLevel: 'error',
    // Its own check compares each key with each other one.
    uniqueKeys: false,
  });
  const documents = [...composer.compose(tokens, true, text.length)];
  return {
    documents: documents.filter((one) => one.errors.length > 0 || !isEmpty(one)),
  };
}

/** Nothing but comments, or the `---` that some tools write at the end. */
function isEmpty({ contents }: Document.Parsed): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

const ourWords: readonly (readonly [RegExp, string])[] = [
  [
    /^Excessive alias count/,
    `the aliases mean too much: at most ${mostAliases} values, and none that holds itself`,
  ],
  [/^Unresolved tag: /, 'a tag ("!…") means nothing here'],
  [/^Merge sources must be/, '"<<" takes a map, or aliases of maps'],
];

/** What the YAML library says of a text, as the message of a problem. */
function inOurWords(message: string): string {
  const [plain = ''] = message.split('\n');
  const known = ourWords.find(([pattern]) => pattern.test(plain));
  return known?.[1] ?? `not YAML: ${plain}`;
}
