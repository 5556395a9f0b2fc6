/**
 * The files of `ps` and `ps:export`, read by the grammar of PowerShell that editors use
 * (tree-sitter's): nobody's here who wrote the file, and not PowerShell either, which cannot be had.
 */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { Language, Parser, type Node } from 'web-tree-sitter';
import { envText } from './env-syntax.ts';

await Parser.init();
const parser = new Parser();
parser.setLanguage(
  await Language.load(
    createRequire(import.meta.url).resolve('tree-sitter-powershell/tree-sitter-powershell.wasm'),
  ),
);

/** Every assignment of a file, in which nothing else may be; a value is what stands between its quotes. */
function assignments(file: string): Record<string, string> {
  const tree = parser.parse(file.replace(/^\uFEFF/, ''));
  assert.ok(tree !== null);
  assert.equal(tree.rootNode.hasError, false, tree.rootNode.toString());
  const read: Record<string, string> = {};
  for (const statement of tree.rootNode.descendantsOfType('assignment_expression')) {
    const variable = only(statement, 'variable').text.replace(/^\$(?:Env:)?/, '');
    const quoted = only(statement, 'verbatim_string_characters').text;
    Object.defineProperty(read, variable, {
      value: quoted.slice(1, -1).replace(/(['\u2018-\u201B])['\u2018-\u201B]/g, '$1'),
      enumerable: true,
    });
  }
  const statements = tree.rootNode.descendantsOfType('assignment_expression').length;
  assert.equal(tree.rootNode.namedChild(0)?.namedChildCount ?? 0, statements, 'nothing else');
  tree.delete();
  return read;
}

function only(statement: Node, type: string): Node {
  const [found, ...others] = statement.descendantsOfType(type);
  assert.ok(found !== undefined && others.length === 0, `${type} of ${statement.text}`);
  return found;
}

const values = fc
  .oneof(
    fc.string(),
    fc.string({
      unit: fc.constantFrom("'", '"', '\u2018', '\u2019', '\u201A', '\u201B', '`', '$', '\n', ' '),
    }),
    fc.constantFrom(
      '',
      '$(id) `x` ${HOME}',
      '#a\n#b',
      "@'\nx\n'@",
      '\u{1F600} é',
      'a\r\nb',
      '{}();',
    ),
  )
  .filter((text) => text.isWellFormed() && !text.includes('\0'));
const environments = fc.dictionary(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/), values, {
  minKeys: 1,
});

for (const syntax of ['ps', 'ps:export'] as const) {
  test(`${syntax}: another's grammar of PowerShell reads what was written`, () => {
    fc.assert(
      fc.property(environments, (environment) => {
        const { text, left } = envText(syntax, environment);
        const held = Object.entries(environment).filter(([name]) => !left.includes(name));
        if (held.length > 0) assert.deepEqual(assignments(text), Object.fromEntries(held));
      }),
      { numRuns: 300 },
    );
  });
}
