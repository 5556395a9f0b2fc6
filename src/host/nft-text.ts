/** A change of one element of a set. Each is idempotent. */
export interface ElementChange {
  /** `refresh` adds the element, or starts its time-out anew. */
  readonly kind: 'add' | 'delete' | 'refresh';
  readonly set: string;
  /** As nft writes it: `10.0.0.1 . 80`. */
  readonly element: string;
  readonly timeoutSeconds?: number;
}

interface TableText {
  readonly name: string;
  /** The mark by which a transaction is known to have been taken. */
  readonly generation: number;
}

/** The set that holds the generation. */
export const generationSet = 'generation';

/** The command that removes a table. */
export function deleteTableText(name: string): string {
  return `delete table inet ${name}`;
}

/**
 * The transaction that makes a table of `body`, `instead` of the one that is there or as a new one.
 * (An `add table` before the `delete` would serve both, but is refused for owned tables.)
 */
export function makeTableText(
  table: TableText & { instead: boolean; flags: string; body: string },
): string {
  const { name, generation, instead, flags, body } = table;
  return [
    ...(instead ? [deleteTableText(name)] : []),
    `table inet ${name} {`,
    flags,
    `set ${generationSet} { type mark; elements = { ${generation} }; }`,
    body,
    '}',
    '',
  ].join('\n');
}

/** The transaction that changes elements of a table's sets. */
export function changeElementsText(
  table: TableText & { changes: readonly ElementChange[] },
): string {
  const { name, generation, changes } = table;
  const mark = `inet ${name} ${generationSet}`;
  return [
    ...runsOfOneKind(changes).flatMap((run) => changeRun(name, run)),
    `flush set ${mark}`,
    `add element ${mark} { ${generation} }`,
    '',
  ].join('\n');
}

/** Neighbours of the same kind and set become one command: nft reads lists much faster. */
function runsOfOneKind(changes: readonly ElementChange[]): ElementChange[][] {
  const runs: ElementChange[][] = [];
  for (const change of changes) {
    const run = runs.at(-1);
    const first = run?.[0];
    if (run !== undefined && first?.kind === change.kind && first.set === change.set) {
      run.push(change);
    } else {
      runs.push([change]);
    }
  }
  return runs;
}

function changeRun(name: string, run: readonly ElementChange[]): string[] {
  const [first] = run;
  if (first === undefined) return [];
  const target = `element inet ${name} ${first.set}`;
  const plain = run.map(({ element }) => element).join(', ');
  const timed = run
    .map(({ element, timeoutSeconds }) =>
      timeoutSeconds === undefined ? element : `${element} timeout ${timeoutSeconds}s`,
    )
    .join(', ');
  const add = `add ${target} { ${timed} }`;
  // `delete` alone fails when the element has expired meanwhile, `add` alone keeps an old time-out.
  const remove = [`add ${target} { ${plain} }`, `delete ${target} { ${plain} }`];
  const commands = { add: [add], delete: remove, refresh: [...remove, add] };
  return commands[first.kind];
}
