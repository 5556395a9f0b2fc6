import { quoteBytes } from '../text/quote.ts';
import { toText } from '../byte-text.ts';
import type { CommandNode, Operand, TemplateNode } from './nodes.ts';

/** What can be named as the place of an error. */
export type Place = Operand | CommandNode | TemplateNode;

/** A node as Go writes it in its errors: blanks and comments are gone. */
export function showNode(node: Place): string {
  switch (node.kind) {
    case 'number':
      return node.text;
    case 'identifier':
      return node.name;
    case 'field':
      return node.names.map((name) => `.${name}`).join('');
    case 'variable':
      return node.names.join('.');
    case 'chain':
      return [showWord(node.of), ...node.names].join('.');
    case 'string':
      return node.quoted;
    case 'bool':
      return String(node.value);
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'command':
      return node.args.map(showWord).join(' ');
    case 'pipe': {
      const declared = node.declared.map(showNode).join(', ');
      const sign = node.assigns ? ' = ' : ' := ';
      const commands = node.commands.map(showNode).join(' | ');
      return declared === '' ? commands : `${declared}${sign}${commands}`;
    }
    case 'template':
      break;
  }
  const pipe = node.pipe === undefined ? '' : ` ${showNode(node.pipe)}`;
  return `{{template ${toText(quoteBytes(node.name))}${pipe}}}`;
}

function showWord(node: Operand): string {
  return node.kind === 'pipe' ? `(${showNode(node)})` : showNode(node);
}
