import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '#base/errors.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** This installation's id: made once, kept in the state directory. */
export async function installId(
  deps: { readonly randomUuid: () => string },
  stateDir: string,
): Promise<string> {
  const path = join(stateDir, 'install-id');
  const known = await read(path);
  if (known !== undefined) return known;
  const made = deps.randomUuid();
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    // Another daemon was faster, or the file holds no id.
    const found = await read(path);
    if (found !== undefined) return found;
    await writeFile(path, `${made}\n`, { mode: 0o600 });
    return made;
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    return uuid.test(text) ? text : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
