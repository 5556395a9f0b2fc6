import { type FieldRow, fieldSections } from '#spec/schema/field-rows.ts';
import { jsonSchema } from '#spec/schema/json-schema.ts';

/** The schema of the Intercept Specification for editors. */
export const schemaFile = 'schema/intercept-specification.schema.json';
/** The page whose tables are made. */
export const pageFile = 'docs/specification.md';

const begin = '<!-- fields: made by tools/specification.ts -->';
const end = '<!-- fields: end -->';

/** What the schema's file holds. */
export function schemaText(): string {
  return `${JSON.stringify(jsonSchema(), undefined, 2)}\n`;
}

/** The page with its tables made anew. */
export function pageText(page: string): string {
  const before = page.slice(0, page.indexOf(begin) + begin.length);
  const after = page.slice(page.indexOf(end));
  const sections = fieldSections().map(({ path, rows }) => {
    const title = path === '' ? 'The document' : `\`${path}\``;
    return `### ${title}\n\n${table(rows)}`;
  });
  return `${before}\n\n${sections.join('\n\n')}\n\n${after}`;
}

function table(rows: readonly FieldRow[]): string {
  const lines = rows.map(({ name, required, type, without, meaning }) => {
    const cells = [`\`${name}\``, type, required ? '**required**' : without, meaning];
    return `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  });
  return ['| field | type | left out | what |', '| --- | --- | --- | --- |', ...lines].join('\n');
}
