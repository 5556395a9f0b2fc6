import { create } from '@bufbuild/protobuf';
import {
  DnsSettingsSchema,
  NameMappingsSchema,
  TextsSchema,
  type DnsSettings,
  type NameMapping,
} from '#protocol/gen/telepresence_pb.ts';

/** What a project on this machine says of names. */
export interface NamesSaid {
  /** Never the cluster's. */
  readonly outside: readonly string[];
  /** Names that stand for others, or for addresses, before what the cluster says. */
  readonly mappings: readonly NameMapping[];
  /** The same where the cluster knows no such name. */
  readonly fallbacks: readonly NameMapping[];
}

/** What projects say of names, each for as long as it runs. */
export interface HeldNames {
  /** Holds until disposed. */
  hold(names: NamesSaid): Disposable;
  /** What user and administrator say, and over it what is held. */
  over(settings: DnsSettings): DnsSettings;
  readonly fallbacks: readonly NameMapping[];
}

/** Nothing is held at first; `onChange` is called whenever that changes. */
export function createHeldNames(onChange: () => void): HeldNames {
  const all = new Set<NamesSaid>();
  return {
    hold(names) {
      const own = { ...names };
      all.add(own);
      onChange();
      return {
        [Symbol.dispose]: () => {
          if (all.delete(own)) onChange();
        },
      };
    },
    over(settings) {
      if (all.size === 0) return settings;
      const held = [...all];
      const mappings = held.flatMap((one) => one.mappings);
      const mapped = new Set(mappings.map(({ name }) => plain(name)));
      const excludes = settings.excludes?.values ?? [];
      return create(DnsSettingsSchema, {
        ...settings,
        excludes: create(TextsSchema, {
          // What an earlier word says is never the cluster's, a later one may map into it.
          values: [
            ...excludes.filter((name) => !mapped.has(plain(name))),
            ...held.flatMap(({ outside }) => outside),
          ],
        }),
        mappings: create(NameMappingsSchema, {
          values: [...mappings, ...(settings.mappings?.values ?? [])],
        }),
      });
    },
    get fallbacks() {
      return [...all].flatMap(({ fallbacks }) => fallbacks);
    },
  };
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
