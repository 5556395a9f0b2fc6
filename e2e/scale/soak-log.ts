import { findParts, heapOf, usageOf, type Part } from './parts.ts';

/** One look at one part. */
export interface Look {
  readonly part: string;
  readonly resident: number;
  readonly anonymous: number;
  readonly workingSet: number | undefined;
  readonly files: number;
  readonly seconds: number;
  /** After a collection; undefined where the look was a light one. */
  readonly heapUsed: number | undefined;
  readonly external: number | undefined;
  readonly resources: Readonly<Record<string, number>> | undefined;
}

/** A part's name in tables: two of a role are told apart by their numbers. */
function nameOf(part: Part, all: readonly Part[]): string {
  const alike = all.filter(({ role }) => role === part.role);
  return alike.length === 1 ? part.role : `${part.role} ${String(alike.indexOf(part) + 1)}`;
}

/** Looks at every part; with `heaps` also at what a collection leaves. */
export async function lookAtParts(heaps: boolean): Promise<readonly Look[]> {
  const parts = await findParts();
  // Collected first, so that the rest is told without garbage too.
  const left = await Promise.all(heaps ? parts.map(heapOf) : []);
  const looks: Look[] = [];
  for (const [at, part] of parts.entries()) {
    looks.push({
      part: nameOf(part, parts),
      ...(await usageOf(part)),
      heapUsed: left[at]?.heapUsed,
      external: left[at]?.external,
      resources: left[at]?.resources,
    });
  }
  return looks;
}

const mb = (bytes: number | undefined): string =>
  bytes === undefined ? '–' : (bytes / 1e6).toFixed(1);

/** One line a part: memory in MB, files, processor seconds. */
export function linesOf(looks: readonly Look[]): string {
  const head = ['', 'RSS', 'anon', 'work.set', 'heap', 'ext.', 'files', 'CPU s', 'resources'];
  const rows = looks.map((one) => [
    one.part,
    mb(one.resident),
    mb(one.anonymous),
    mb(one.workingSet),
    mb(one.heapUsed),
    mb(one.external),
    String(one.files),
    one.seconds.toFixed(1),
    Object.entries(one.resources ?? {})
      .map(([name, count]) => `${name} ${String(count)}`)
      .join(', '),
  ]);
  const widths = head.map((title, at) =>
    Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) =>
          at === 0 || at === row.length - 1
            ? cell.padEnd(widths[at] ?? 0)
            : cell.padStart(widths[at] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** How much a value grows in an hour, by least squares; `minutes` are the times. */
export function growthPerHour(minutes: readonly number[], values: readonly number[]): number {
  const mean = (list: readonly number[]): number =>
    list.reduce((sum, value) => sum + value, 0) / list.length;
  const [midTime, midValue] = [mean(minutes), mean(values)];
  let [above, below] = [0, 0];
  for (const [at, time] of minutes.entries()) {
    above += (time - midTime) * ((values[at] ?? midValue) - midValue);
    below += (time - midTime) ** 2;
  }
  return below === 0 ? 0 : (60 * above) / below;
}
