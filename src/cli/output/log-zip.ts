import { writeFile } from 'node:fs/promises';
import { strFromU8, strToU8, zipSync } from 'fflate';
import { createAnonymizer } from './anonymizer.ts';

/** A file for the zip; where there is trouble, that is its text. */
export interface LogFileFound {
  readonly name: string;
  readonly parts: Uint8Array[];
  readonly trouble?: string;
  /** Names in it that can be hidden. */
  readonly namespace?: string;
  readonly pod?: string;
}

/** Writes a zip that is its owner's alone. */
export async function writeZip(
  path: string,
  files: readonly LogFileFound[],
  options: { readonly anonymize: boolean },
): Promise<void> {
  const names = createAnonymizer();
  if (options.anonymize) {
    for (const { namespace = '', pod = '' } of files) {
      names.hide('pod', pod);
      names.hide('namespace', namespace);
    }
  }
  const entries = files.map(({ name, parts, trouble }): [string, Uint8Array] => {
    const whole = trouble === undefined ? Buffer.concat(parts) : strToU8(`${trouble}\n`);
    const data = options.anonymize ? strToU8(names.replace(strFromU8(whole))) : whole;
    return [names.replace(name), data];
  });
  await writeFile(path, zipSync(Object.fromEntries(entries)), { mode: 0o600 });
}
