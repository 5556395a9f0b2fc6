import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { HostError } from './errors.ts';
import { startNftChild, type NftChild } from './nft-child.ts';
import { startNftHelper } from './nft-helper.ts';
import {
  changeElementsText,
  deleteTableText,
  generationSet,
  makeTableText,
  type ElementChange,
} from './nft-text.ts';

/** An nftables table `inet <name>` that disappears with this process, whatever kills it. */
export interface RuleTable extends AsyncDisposable {
  /** Makes `body` (sets and chains) the table's whole contents, in one transaction. */
  replace(body: string, signal: AbortSignal): Promise<void>;
  /** Changes elements of its sets, in one transaction. */
  update(changes: readonly ElementChange[], signal: AbortSignal): Promise<void>;
  /** Settles with nft's last words when the table is gone, by `close` or because nft was killed. */
  readonly gone: Promise<string>;
  /** Removes the table. */
  close(): Promise<void>;
}

/**
 * How the table is made to disappear with us. `kernel` is `flags owner` (Linux 5.12): others can
 * neither change nor flush the table, and it goes with the nft child, which goes with our end of
 * its pipe. `helper` is a shell at a pipe that deletes the table when we are gone.
 */
export type TableKeeper = 'kernel' | 'helper' | 'either';

interface RuleTableOptions {
  readonly name: string;
  readonly keeper?: TableKeeper;
  readonly signal: AbortSignal;
}

/** Makes the table, empty. `directory` is where a file for nft is made, and unlinked at once. */
export async function openRuleTable(
  deps: { readonly directory: string },
  options: RuleTableOptions,
): Promise<RuleTable> {
  const { name, keeper = 'either', signal } = options;
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await openUnlinked(deps.directory));
  const child = stack.use(startNftChild());
  await preflight(child, signal);

  const flags = keeper === 'helper' ? '' : 'flags owner;';
  const table = new Table({ child, file }, { name, flags });
  // What a helper of ours had no time to remove. An owned table of another program stays.
  await child.run([deleteTableText(name)], signal);
  try {
    await table.make('', signal);
  } catch (error) {
    const refused = error instanceof HostError && error.code === 'NftFailed';
    if (keeper !== 'either' || !refused) throw error;
    table.flags = '';
    await table.make('', signal);
  }
  if (table.flags === '') stack.use(startNftHelper(name));

  const owned = stack.move();
  const close = (): Promise<void> => owned.disposeAsync();
  return {
    replace: (body, signal) => table.make(body, signal),
    update: (changes, signal) => table.update(changes, signal),
    gone: child.exited,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The transactions on one table, one at a time. */
class Table {
  flags: string;
  readonly #deps: { readonly child: NftChild; readonly file: FileHandle };
  readonly #name: string;
  #generation = 0;
  #made = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(
    deps: { readonly child: NftChild; readonly file: FileHandle },
    options: { readonly name: string; readonly flags: string },
  ) {
    this.#deps = deps;
    this.#name = options.name;
    this.flags = options.flags;
  }

  async make(body: string, signal: AbortSignal): Promise<void> {
    await this.#transact(signal, (generation) =>
      makeTableText({
        name: this.#name,
        generation,
        instead: this.#made,
        flags: this.flags,
        body,
      }),
    );
    this.#made = true;
  }

  update(changes: readonly ElementChange[], signal: AbortSignal): Promise<void> {
    return this.#transact(signal, (generation) =>
      changeElementsText({ name: this.#name, generation, changes }),
    );
  }

  async #transact(signal: AbortSignal, text: (generation: number) => string): Promise<void> {
    const before = this.#turn;
    const done = Promise.withResolvers<void>();
    this.#turn = done.promise;
    try {
      await before;
      signal.throwIfAborted();
      this.#generation += 1;
      await this.#load(text(this.#generation), signal);
    } finally {
      done.resolve();
    }
  }

  /** An included file is one transaction. nft prints only errors: success is read back. */
  async #load(text: string, signal: AbortSignal): Promise<void> {
    const { child, file } = this.#deps;
    await file.truncate();
    await file.write(text, 0);
    const include = `include "/proc/${process.pid}/fd/${file.fd}"`;
    const list = `list set inet ${this.#name} ${generationSet}`;
    const { sets, errors } = await child.run([include, list], signal);
    if (sets.some(({ elements }) => elements.includes(this.#generation))) return;
    if (errors.includes('Operation not permitted')) {
      const message = `another program owns the nft table inet ${this.#name}`;
      throw new HostError('TableInUse', message, { cause: new Error(errors) });
    }
    throw new HostError('NftFailed', `nft refused a change: ${errors}`);
  }
}

/** A file without a name, so that nothing of it is left whatever happens to us. */
async function openUnlinked(directory: string): Promise<FileHandle> {
  const path = join(directory, `nft-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function preflight(child: NftChild, signal: AbortSignal): Promise<void> {
  const { errors } = await child.run([], signal);
  if (errors === '') return;
  throw new HostError('NftFailed', `nft does not work here: ${errors}`);
}
