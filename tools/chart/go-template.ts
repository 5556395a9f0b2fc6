/** A Go expression whose result is JSON, in place of a part of a manifest. */
export class Go {
  readonly expression: string;
  constructor(expression: string) {
    this.expression = expression;
  }
}

/** A part that is there only under a condition; in a list, an item. */
export class When {
  readonly condition: string;
  readonly part: Part;
  constructor(condition: string, part: Part) {
    this.condition = condition;
    this.part = part;
  }
}

/** All items of a list that a Go expression gives. */
export class Items {
  readonly expression: string;
  constructor(expression: string) {
    this.expression = expression;
  }
}

/** A manifest, or a part of one, as a template has it. */
export type Part =
  | null
  | boolean
  | number
  | string
  | Go
  | When
  | Items
  | readonly Part[]
  | { readonly [key: string]: Part };

/** Words in strings that stand for what only Helm knows. */
export const marks = {
  '@release@': '{{ $.Release.Name }}',
  '@namespace@': '{{ $.Release.Namespace }}',
  '@version@': '{{ $.Chart.AppVersion }}',
  '@each@': '{{ $each }}',
} as const;

/** A value of a program as a part. */
export function partOf(value: unknown): Part {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'string') return value;
  if (value instanceof Go || value instanceof When || value instanceof Items) return value;
  if (Array.isArray(value)) return value.map(partOf);
  if (typeof value !== 'object') throw new Error(`not of JSON: ${typeof value}`);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, partOf(one)]));
}

/** `part` with what is at `path` (`spec.replicas`, `ports.0`) replaced by what `change` makes of it. */
export function changed(
  part: Part,
  path: string,
  change: (before: Part | undefined) => Part,
): Part {
  const [step = '', ...rest] = path.split('.');
  if (typeof part !== 'object' || part === null) throw new Error(`nothing is at ${path}`);
  if (part instanceof Go || part instanceof When || part instanceof Items) {
    throw new Error(`a template is at ${path}`);
  }
  const inner = (before: Part | undefined): Part => {
    if (rest.length === 0) return change(before);
    if (before === undefined) throw new Error(`nothing is at ${path}`);
    return changed(before, rest.join('.'), change);
  };
  if (isList(part)) {
    const at = Number(step);
    return part.map((one, index) => (index === at ? inner(one) : one));
  }
  return { ...part, [step]: inner(part[step]) };
}

function isList(part: object): part is readonly Part[] {
  return Array.isArray(part);
}

/** A part as YAML with actions in it; each line begins with `indent` spaces. */
export function toYaml(part: Part, indent = 0): string {
  const pad = ' '.repeat(indent);
  if (typeof part !== 'object' || part === null) return `${pad}${scalar(part)}\n`;
  if (part instanceof Go) return `${pad}{{ ${part.expression} }}\n`;
  if (part instanceof When || part instanceof Items) throw new Error('only inside of something');
  if (isFlat(part)) return `${pad}${isList(part) ? '[]' : '{}'}\n`;
  if (isList(part)) return part.map((item) => itemYaml(item, indent)).join('');
  return Object.entries(part)
    .map(([key, value]) => entryYaml(key, value, indent))
    .join('');
}

function entryYaml(key: string, value: Part, indent: number): string {
  const pad = ' '.repeat(indent);
  if (value instanceof When) {
    return `${pad}{{- if ${value.condition} }}\n${entryYaml(key, value.part, indent)}${pad}{{- end }}\n`;
  }
  const name = /^[A-Za-z][\w./-]*$/.test(key) ? key : JSON.stringify(key);
  return isFlat(value)
    ? `${pad}${name}: ${toYaml(value).trimEnd()}\n`
    : `${pad}${name}:\n${toYaml(value, indent + 2)}`;
}

function itemYaml(item: Part, indent: number): string {
  const pad = ' '.repeat(indent);
  if (item instanceof When) {
    return `${pad}{{- if ${item.condition} }}\n${itemYaml(item.part, indent)}${pad}{{- end }}\n`;
  }
  if (item instanceof Items) {
    return `${pad}{{- range ${item.expression} }}\n${pad}- {{ toJson . }}\n${pad}{{- end }}\n`;
  }
  if (isFlat(item)) return `${pad}- ${toYaml(item).trimEnd()}\n`;
  return `${pad}-\n${toYaml(item, indent + 2)}`;
}

/** Whether it is one line. */
function isFlat(part: Part): boolean {
  if (typeof part !== 'object' || part === null || part instanceof Go) return true;
  return Object.keys(part).length === 0;
}

function scalar(value: null | boolean | number | string): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const quoted = JSON.stringify(value);
  if (quoted.includes('{{')) throw new Error(`Helm would read ${quoted}`);
  return Object.entries(marks).reduce((text, [mark, go]) => text.replaceAll(mark, go), quoted);
}

/** A part as a Go expression that makes it: `(dict "a" 1)`. */
export function toGo(part: Part): string {
  if (part === null) return 'nil';
  if (typeof part === 'string') return goString(part);
  if (typeof part !== 'object') return String(part);
  if (part instanceof Go) return `(${part.expression})`;
  if (part instanceof When || part instanceof Items) throw new Error('not in an expression');
  if (isList(part)) return `(list ${part.map(toGo).join(' ')})`;
  const entries = Object.entries(part).map(
    ([key, value]) => `${JSON.stringify(key)} ${toGo(value)}`,
  );
  return `(dict ${entries.join(' ')})`;
}

function goString(text: string): string {
  const found = Object.entries(marks).filter(([mark]) => text.includes(mark));
  if (found.length === 0) return JSON.stringify(text);
  const format = found.reduce((left, [mark]) => left.replaceAll(mark, '%s'), text);
  const [[mark, go] = ['', ''], second] = found;
  if (second !== undefined || text.split(mark).length !== 2)
    throw new Error(`two marks in ${text}`);
  return `(printf ${JSON.stringify(format)} ${go.replace(/^\{\{ | \}\}$/g, '')})`;
}
