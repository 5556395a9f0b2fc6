import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { relayPaths, type RelayPath } from '#kube/relay-paths.ts';

interface Deps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

/** Which path to the manager worked last on one cluster, kept in the state directory. */
export interface PathMemory {
  /** Undefined where nothing is known, or what is known is old: then the best is tried first. */
  readonly remembered: RelayPath | undefined;
  /** A path has just worked. */
  remember(via: RelayPath): void;
  /** Resolves when all that was remembered is on disk. */
  readonly written: Promise<void>;
}

// A control plane that cannot reach pods rarely learns to; once a day the better paths get a chance
// before anything works, and while connected they get one every few minutes (return-to-better.ts).
const lastsMs = 24 * 3600_000;
const mostClusters = 50;

const schema = v.record(v.string(), v.object({ via: v.picklist(relayPaths), at: v.number() }));
type Known = v.InferOutput<typeof schema>;

/** Reads what is known of `access`; a broken file is an empty one. */
export async function openPathMemory(
  deps: Deps,
  options: {
    readonly stateDir: string;
    readonly access: Pick<ClusterAccess, 'server' | 'proxy' | 'trust'>;
  },
): Promise<PathMemory> {
  const path = join(options.stateDir, 'paths.json');
  const key = keyOf(options.access);
  const known = (await read(path))[key];
  const isFresh = ({ at }: Known[string]): boolean => {
    const age = deps.clock.now() - at;
    return age >= 0 && age < lastsMs;
  };
  let last = known !== undefined && isFresh(known) ? known.via : undefined;
  let written = Promise.resolve();

  const write = async (entry: Known[string]): Promise<void> => {
    const all = { ...(await read(path)), [key]: entry };
    // What a clock that was wrong has written would be the newest for ever.
    const newest = Object.entries(all)
      .filter(([, one]) => isFresh(one))
      .toSorted(([, a], [, b]) => b.at - a.at)
      .slice(0, mostClusters);
    const draft = `${path}.draft`;
    await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify(Object.fromEntries(newest)), { mode: 0o600 });
    await rename(draft, path);
  };

  return {
    remembered: last,
    remember(via) {
      if (via === last) return;
      last = via;
      const entry = { via, at: deps.clock.now() };
      written = written
        .then(async () => await write(entry))
        .catch((error: unknown) => {
          deps.log.warning('path to the manager not remembered', { reason: describe(error) });
        });
    },
    get written() {
      return written;
    },
  };
}

/** The same cluster by the same way: another proxy may let other things pass. */
function keyOf({
  server,
  proxy,
  trust,
}: Pick<ClusterAccess, 'server' | 'proxy' | 'trust'>): string {
  return createHash('sha256')
    .update([server.href, trust.ca ?? '', proxy?.host ?? ''].join('\0'))
    .digest('base64url');
}

async function read(path: string): Promise<Known> {
  try {
    const parsed = v.safeParse(schema, JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.output : {};
  } catch {
    return {};
  }
}
