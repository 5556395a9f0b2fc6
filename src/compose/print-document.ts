import { Document, Scalar, visit } from 'yaml';
import type { ComposeDocument } from './document.ts';

/** What every reader of YAML, of whatever version, takes for the same text. */
const plain = /^[A-Za-z/](?:[A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?$/;
/** Words that are no text for some of them. */
const meant = /^(y|yes|n|no|on|off|true|false|null|nan|inf|e\d+)$/i;

/**
 * The document as YAML, in its own order: what was changed can be seen by `diff`. Texts that some reader
 * could take for a number, a date or a truth are in quotes: Compose's reader is not ours.
 */
export function printComposeDocument(document: ComposeDocument): string {
  const written = new Document(document, { aliasDuplicateObjects: false });
  visit(written, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string') return;
      if (plain.test(node.value) && !meant.test(node.value)) node.type = Scalar.PLAIN;
      else if (!readable.test(node.value)) node.type = Scalar.QUOTE_DOUBLE;
      else if (node.value.includes('\n')) node.type = Scalar.BLOCK_LITERAL;
      else node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return written.toString({ lineWidth: 0 });
}

/** Lines that can stand as they are: no strange characters, no blanks where they would be lost. */
const readable =
  /^(?! |\n)(?:[\u0020-\u007e]*[\u0021-\u007e]\n)*[\u0020-\u007e]*[\u0021-\u007e]\n?$/;
