import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { VolumePluginError } from './errors.ts';
import type { ShownVolume } from './show-volume.ts';
import type { KeptVolume, StateFile } from './state-file.ts';
import { checkVolumeName, parseVolumeOptions, type VolumeOptions } from './volume-options.ts';

interface Deps {
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly state: StateFile;
  /** Mounts one, or rejects with why there is nothing of it. */
  readonly show: (wanted: {
    readonly options: VolumeOptions;
    readonly mountPoint: string;
  }) => Promise<ShownVolume>;
  /** Where volumes are mounted: what is there, the engine sees. */
  readonly directory: string;
}

/** What Docker is told of a volume. */
export interface DescribedVolume {
  readonly name: string;
  /** Empty while it is not mounted. */
  readonly mountPoint: string;
  readonly createdAt: string;
  readonly options: VolumeOptions;
  readonly usedBy: readonly string[];
}

/** The volumes of this engine, as Docker speaks of them. Throws VolumePluginErrors. */
export interface Volumes extends AsyncDisposable {
  create(name: string, given: Readonly<Record<string, string>>): Promise<void>;
  remove(name: string): Promise<void>;
  /** Mounted for one more container; returns where. */
  mount(name: string, id: string): Promise<string>;
  unmount(name: string, id: string): Promise<void>;
  describe(name: string): DescribedVolume;
  list(): readonly DescribedVolume[];
}

interface Volume extends KeptVolume {
  /** Docker's ids of those who use it. A new process knows of none: their mounts died with the old one. */
  readonly users: Set<string>;
  shown: ShownVolume | undefined;
  /** What is done with one volume is done one after the other. */
  turn: Promise<unknown>;
}

const mostVolumes = 1000;

/** Those that were there before are there. */
export async function openVolumes(deps: Deps): Promise<Volumes> {
  const { log, state, directory } = deps;
  const fresh = (kept: KeptVolume): Volume => ({
    ...kept,
    users: new Set(),
    shown: undefined,
    turn: Promise.resolve(),
  });
  const volumes = new Map((await state.read()).map((kept) => [kept.name, fresh(kept)]));
  let saving: Promise<unknown> = Promise.resolve();
  const save = async (): Promise<void> => {
    const saved = saving.then(async () => {
      const all = [...volumes.values()];
      await state.write(all.map(({ name, createdAt, options }) => ({ name, createdAt, options })));
    });
    saving = saved.catch(() => {});
    await saved;
  };
  const need = (name: string): Volume => {
    const found = volumes.get(name);
    if (found !== undefined) return found;
    throw new VolumePluginError('NoSuchVolume', `no such volume: ${JSON.stringify(name)}`);
  };
  const inTurn = async <T>(volume: Volume, run: () => Promise<T>): Promise<T> => {
    const turn = volume.turn.then(run);
    volume.turn = turn.catch(() => {});
    return await turn;
  };
  const mountPointOf = ({ name }: Volume): string => join(directory, name);
  const hide = async (volume: Volume): Promise<void> => {
    const { shown } = volume;
    volume.shown = undefined;
    await shown?.[Symbol.asyncDispose]();
  };
  const described = (volume: Volume): DescribedVolume => ({
    name: volume.name,
    mountPoint: volume.shown?.lives === true ? mountPointOf(volume) : '',
    createdAt: volume.createdAt,
    options: volume.options,
    usedBy: [...volume.users],
  });

  return {
    async create(name, given) {
      checkVolumeName(name);
      const options = parseVolumeOptions(given);
      const there = volumes.get(name);
      if (there !== undefined) {
        if (isDeepStrictEqual(there.options, options)) return;
        const words = `volume ${JSON.stringify(name)} exists with other options`;
        throw new VolumePluginError('Refused', words);
      }
      if (volumes.size >= mostVolumes) {
        throw new VolumePluginError('Refused', `there are ${String(mostVolumes)} volumes already`);
      }
      const createdAt = new Date(deps.clock.now()).toISOString();
      volumes.set(name, fresh({ name, createdAt, options }));
      try {
        await save();
      } catch (error) {
        volumes.delete(name);
        throw error;
      }
      log.info('volume created', { name, host: options.host, port: options.port });
    },
    async remove(name) {
      const volume = need(name);
      await inTurn(volume, async () => {
        if (volume.users.size > 0) {
          const users = [...volume.users].join(' ');
          throw new VolumePluginError(
            'InUse',
            `volume ${name} is mounted by containers: [${users}]`,
          );
        }
        await hide(volume);
        volumes.delete(name);
        await save();
        log.info('volume removed', { name });
      });
    },
    async mount(name, id) {
      const volume = need(name);
      return await inTurn(volume, async () => {
        // Removed while this waited.
        need(name);
        if (volume.shown?.lives !== true) {
          await hide(volume);
          const { options } = volume;
          volume.shown = await deps.show({ options, mountPoint: mountPointOf(volume) });
          log.info('volume mounted', { name });
        }
        volume.users.add(id);
        return mountPointOf(volume);
      });
    },
    async unmount(name, id) {
      const volume = need(name);
      await inTurn(volume, async () => {
        volume.users.delete(id);
        if (volume.users.size > 0) return;
        await hide(volume);
        log.info('volume unmounted', { name });
      });
    },
    describe: (name) => described(need(name)),
    list: () => [...volumes.values()].map(described),
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [...volumes.values()].map(async (volume) => {
          await inTurn(volume, async () => await hide(volume)).catch((error: unknown) => {
            log.warning('volume not unmounted', { name: volume.name, reason: describe(error) });
          });
        }),
      );
    },
  };
}
