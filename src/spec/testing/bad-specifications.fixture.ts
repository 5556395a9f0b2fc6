import { readFileSync } from 'node:fs';

/** A specification with a mistake that people make. */
export interface BadSpecification {
  readonly mistake: string;
  readonly text: string;
  /** Whether the schema for editors can say it, too: it knows no names, and no arithmetic. */
  readonly editorRefuses: boolean;
  /** Messages, without the file's name. */
  readonly says: readonly string[];
}

/** What people get wrong, and what they read then. */
export function badSpecifications(): readonly BadSpecification[] {
  const file = readFileSync(new URL('bad-specifications.txt', import.meta.url), 'utf8');
  return file
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const [head = '', tail = ''] = part.split(/^>>> /m);
      const [mistake = '', ...text] = head.split('\n');
      const [editor, ...says] = tail.trimEnd().split('\n');
      const editorRefuses = editor === 'an editor refuses it, too';
      return { mistake, text: text.join('\n'), editorRefuses, says };
    });
}
