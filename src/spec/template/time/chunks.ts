/** What stands for a part of a date in a layout of Go's (the date is that of 2006-01-02 15:04:05). */
const parts: readonly string[] = [
  'January',
  'Jan',
  'Monday',
  'Mon',
  'MST',
  '2006',
  '-07:00:00',
  '-070000',
  '-07:00',
  '-0700',
  '-07',
  'Z07:00:00',
  'Z070000',
  'Z07:00',
  'Z0700',
  'Z07',
  '002',
  '01',
  '02',
  '03',
  '04',
  '05',
  '06',
  '15',
  'PM',
  'pm',
  '_2006',
  '__2',
  '_2',
  '1',
  '2',
  '3',
  '4',
  '5',
];

/** A piece of a layout: literal text, or what stands for a part of a date. */
export interface Chunk {
  readonly literal: boolean;
  readonly text: string;
}

/** A layout taken apart. */
export function chunks(layout: string): Chunk[] {
  const found: Chunk[] = [];
  let literal = '';
  let at = 0;
  while (at < layout.length) {
    const part = partAt(layout, at);
    if (part === undefined) {
      literal += layout[at] ?? '';
      at += 1;
      continue;
    }
    if (part === '_2006') {
      // Go takes the blank as text here, and what is behind it as the year.
      literal += '_';
      at += 1;
      continue;
    }
    if (literal !== '') found.push({ literal: true, text: literal });
    literal = '';
    found.push({ literal: false, text: part });
    at += part.length;
  }
  if (literal !== '') found.push({ literal: true, text: literal });
  return found;
}

function partAt(layout: string, at: number): string | undefined {
  const fraction = /^[.,](?:0+|9+)(?![0-9])/.exec(layout.slice(at, at + 24));
  if (fraction !== null) return fraction[0];
  const part = parts.find((word) => layout.startsWith(word, at));
  // "Jan" and "Mon" within a longer word in small letters are no dates (`Month`).
  if (part === 'Jan' || part === 'Mon') {
    return /[a-z]/.test(layout[at + 3] ?? '') ? undefined : part;
  }
  return part;
}
