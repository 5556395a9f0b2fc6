import { packet } from './wire.ts';

/**
 * The port of a daemon in a container at which one intercept's files are served: a line that asks and
 * proves, a line that answers, then SFTP. While nothing else is said, the server beats.
 */
export interface FilesGreeting {
  /** Whoever has it may read: 32 bytes in hexadecimal. */
  readonly token: string;
  readonly container: string;
  readonly readOnly: boolean;
}

/** No greeting, and no answer to one, is longer. */
export const longestLine = 512;

const greetingShape =
  /^telepresence-files\/1 ([0-9a-f]{64}) (ro|rw) ([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/;

/** Whether a text can be a container's name in a pod. */
export function isContainerName(text: string): boolean {
  return /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Whether a text has the form of a token. */
export function isFilesToken(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export function encodeGreeting({ token, container, readOnly }: FilesGreeting): Buffer {
  return Buffer.from(`telepresence-files/1 ${token} ${readOnly ? 'ro' : 'rw'} ${container}\n`);
}

/** What a line asks for; undefined for any other. */
export function readGreeting(line: string): FilesGreeting | undefined {
  const [, token, access, container] = greetingShape.exec(line) ?? [];
  if (token === undefined || container === undefined) return undefined;
  return { token, container, readOnly: access === 'ro' };
}

/** `ok`, or why not, on one line. */
export function encodeAnswer(why: string | undefined): Buffer {
  if (why === undefined) return Buffer.from('ok\n');
  // eslint-disable-next-line no-control-regex
  const words = why.replaceAll(/[\u0000-\u001F\u007F]+/g, ' ');
  return Buffer.from(
    `no ${Buffer.from(words)
      .subarray(0, longestLine - 8)
      .toString()}\n`,
  );
}

/** Undefined: it is granted; else why not. */
export function readAnswer(line: string): string | undefined {
  if (line === 'ok') return undefined;
  return line.startsWith('no ') ? line.slice(3) : 'the other end does not serve files';
}

/** A line at the start of a stream, and what came behind it. */
export interface FirstLine {
  readonly line: string;
  readonly rest: Buffer;
}

/** Takes the first line of a stream; throws a RangeError where it is too long to be one of these. */
export function createFirstLineReader(): { push(chunk: Buffer): FirstLine | undefined } {
  let held = Buffer.alloc(0);
  return {
    push(chunk) {
      held = Buffer.concat([held, chunk]);
      const end = held.indexOf(0x0a);
      if (end > longestLine || (end < 0 && held.length > longestLine)) {
        throw new RangeError('a line that is too long');
      }
      if (end < 0) return undefined;
      return { line: held.subarray(0, end).toString('latin1'), rest: held.subarray(end + 1) };
    },
  };
}

/** A packet of no SFTP: it only says that the server is there. */
export const beatType = 240;
export const beat: Buffer = packet(beatType);
/** How often the server says so … */
export const beatEveryMs = 500;
/** … and after how long without any byte nobody is there. */
export const silentMs = 2000;
