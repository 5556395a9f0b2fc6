/** For tests: how languages that cannot be had here read a file, from what is documented of them. */

type Read = Record<string, string>;

/** What PowerShell takes for a single quote (language specification 2.3.5.2). */
const isQuote = (character: string | undefined): boolean =>
  character !== undefined && "'\u2018\u2019\u201A\u201B".includes(character);

/**
 * PowerShell: assignments of verbatim strings, one a line. A verbatim string ends at the first single
 * quote of any shape that no other one follows; two are the second of them.
 */
export function readPowerShell(file: string): Read {
  const text = file.replace(/^\uFEFF/, '');
  const read: Read = {};
  let at = 0;
  while (at < text.length) {
    const target = /^\$(?:Env:)?([A-Za-z_][A-Za-z0-9_]*)=/.exec(text.slice(at, at + 300));
    if (target === null) throw new Error(`no assignment at ${text.slice(at, at + 40)}`);
    at += target[0].length;
    if (!isQuote(text[at])) throw new Error('no verbatim string');
    let value = '';
    for (at += 1; !isQuote(text[at]) || isQuote(text[at + 1]); at += 1) {
      if (at >= text.length) throw new Error('the string does not end');
      if (isQuote(text[at])) at += 1;
      value += text[at] ?? '';
    }
    at += 1;
    if (text[at] !== '\n') throw new Error('more behind a string');
    at += 1;
    set(read, target[1] ?? '', value);
  }
  return read;
}

/**
 * cmd: the phases of a batch line. Percent signs first, then quotes and carets, then what `set` does:
 * from the first quote to the last. Anything that would be a variable, a second command or a
 * redirection is an error here.
 */
export function readCmd(file: string): Read {
  const read: Read = {};
  if (file.includes('\x1A')) throw new Error('Ctrl-Z ends a batch file');
  for (const line of file.split('\r\n').slice(0, -1)) {
    if (/[\r\n]/.test(line)) throw new Error('a line break in a line');
    if (line.length + 2 > 8191) throw new Error('a line that is too long');
    if (line === '@chcp 65001 > nul') continue;
    const command = /^set "(.+)"$/s.exec(special(percents(line)).replace(/^@/, ''));
    if (command === null) throw new Error(`no set: ${line.slice(0, 40)}`);
    const said = command[1] ?? '';
    const equals = said.indexOf('=', 1);
    set(read, said.slice(0, equals), said.slice(equals + 1));
  }
  return read;
}

function percents(line: string): string {
  return line.replaceAll(/%(.?)/g, (_, next: string) => {
    if (next !== '%') throw new Error('a percent sign that is not doubled');
    return '%';
  });
}

function special(line: string): string {
  let quoted = false;
  let out = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '"') quoted = !quoted;
    if (!quoted && '&|<>()'.includes(character)) throw new Error(`an active ${character}`);
    if (!quoted && character === '^') {
      at += 1;
      if (at === line.length) throw new Error('a caret at the end of a line');
    }
    out += line.charAt(at);
  }
  return out;
}

/** `__proto__` is a name too. */
function set(read: Read, name: string, value: string): void {
  Object.defineProperty(read, name, { value, enumerable: true, writable: true });
}
