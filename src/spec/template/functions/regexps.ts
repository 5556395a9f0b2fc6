import { toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn1, fn2, fn3 } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { RegularExpression } from '../regular/regular.ts';
import { fault, TemplateError } from '../template-error.ts';
import { fitsBackquotes, quoteGo } from '../text/quote.ts';
import { GoList, strings } from '../values.ts';
import type { Value } from '../values.ts';

function compile(pattern: ByteText, { budget }: World): RegularExpression {
  return new RegularExpression(pattern, budget);
}

/** As Go's MustCompile fails, whose words name the expression twice. */
function mustCompile(pattern: ByteText, world: World): RegularExpression {
  try {
    return compile(pattern, world);
  } catch (thrown) {
    if (!(thrown instanceof TemplateError) || thrown.code !== 'BadCall') throw thrown;
    const text = toText(pattern);
    const shown = fitsBackquotes(text) ? `\`${text}\`` : quoteGo(text);
    throw fault(`regexp: Compile(${shown}): ${thrown.message}`);
  }
}

/** `$1`, `${name}` and `$$` in a replacement. */
function expand(template: ByteText, group: (name: string) => ByteText): ByteText {
  return template.replaceAll(
    /\$(?:(\$)|([0-9A-Za-z_]+)|\{([0-9A-Za-z_]+)\})/g,
    (_, dollar: string | undefined, bare: string | undefined, braced: string | undefined) =>
      dollar ?? group(bare ?? braced ?? ''),
  );
}

function listOf(items: readonly ByteText[] | undefined): GoList {
  return items === undefined || items.length === 0
    ? new GoList('[]string', [], true)
    : strings(items);
}

type Compile = (pattern: ByteText, world: World) => RegularExpression;

const find = (compile: Compile): TemplateFunction =>
  fn2(['string', 'string'], (pattern, text, world) => compile(pattern, world).find(text));

const findAll = (compile: Compile): TemplateFunction =>
  fn3(['string', 'string', 'int'], ([pattern, text, limit], world) =>
    listOf(compile(pattern, world).findAll(text, limit)),
  );

const replaceAll = (compile: Compile): TemplateFunction =>
  fn3(['string', 'string', 'string'], ([pattern, text, by], world) =>
    compile(pattern, world).replace(text, (group) => expand(by, group)),
  );

const replaceLiteral = (compile: Compile): TemplateFunction =>
  fn3(['string', 'string', 'string'], ([pattern, text, by], world) =>
    compile(pattern, world).replace(text, () => by),
  );

const split = (compile: Compile): TemplateFunction =>
  fn3(['string', 'string', 'int'], ([pattern, text, limit], world) =>
    listOf(compile(pattern, world).split(text, limit)),
  );

/** Without `must` an expression that is none is simply not found. */
function matchOrNot(pattern: ByteText, text: ByteText, world: World): Value {
  let expression: RegularExpression;
  try {
    expression = compile(pattern, world);
  } catch (thrown) {
    if (thrown instanceof TemplateError && thrown.code === 'BadCall') return false;
    throw thrown;
  }
  return expression.test(text);
}

/** Sprig's regular expressions, in Go's syntax. */
export const regexFunctions: Readonly<Record<string, TemplateFunction>> = {
  regexMatch: fn2(['string', 'string'], matchOrNot),
  mustRegexMatch: fn2(['string', 'string'], (pattern, text, world) =>
    compile(pattern, world).test(text),
  ),
  regexFind: find(mustCompile),
  mustRegexFind: find(compile),
  regexFindAll: findAll(mustCompile),
  mustRegexFindAll: findAll(compile),
  regexReplaceAll: replaceAll(mustCompile),
  mustRegexReplaceAll: replaceAll(compile),
  regexReplaceAllLiteral: replaceLiteral(mustCompile),
  mustRegexReplaceAllLiteral: replaceLiteral(compile),
  regexSplit: split(mustCompile),
  mustRegexSplit: split(compile),
  regexQuoteMeta: fn1('string', (text) => text.replaceAll(/[\\.+*?()|[\]{}^$]/g, '\\$&')),
};
