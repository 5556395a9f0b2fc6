import * as v from 'valibot';
import { VolumePluginError } from '../errors.ts';

/** What Docker asks of a volume plugin (docs.docker.com/engine/extend/plugins_volume). */
export type Call =
  | { readonly kind: 'activate' | 'list' | 'capabilities' }
  | {
      readonly kind: 'create';
      readonly name: string;
      readonly options: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'remove' | 'path' | 'get'; readonly name: string }
  | { readonly kind: 'mount' | 'unmount'; readonly name: string; readonly id: string };

const bodyShape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    Name: v.optional(v.string(), ''),
    ID: v.optional(v.string(), ''),
    Opts: v.nullish(v.record(v.string(), v.string()), {}),
  }),
);

const kinds = {
  '/Plugin.Activate': 'activate',
  '/VolumeDriver.Create': 'create',
  '/VolumeDriver.Remove': 'remove',
  '/VolumeDriver.Path': 'path',
  '/VolumeDriver.Get': 'get',
  '/VolumeDriver.Mount': 'mount',
  '/VolumeDriver.Unmount': 'unmount',
  '/VolumeDriver.List': 'list',
  '/VolumeDriver.Capabilities': 'capabilities',
} as const;
type Path = keyof typeof kinds;

/** Undefined: there is no such call. Throws for a body that is none of it. */
export function parseCall(path: string, body: string): Call | undefined {
  if (!isPath(path)) return undefined;
  const kind = kinds[path];
  if (kind === 'activate' || kind === 'list' || kind === 'capabilities') return { kind };
  const parsed = v.safeParse(bodyShape, body);
  if (!parsed.success) throw new VolumePluginError('BadCall', `${path}: not a call of Docker's`);
  const { Name: name, ID: id, Opts: options } = parsed.output;
  switch (kind) {
    case 'create':
      return { kind, name, options: options ?? {} };
    case 'mount':
    case 'unmount':
      return { kind, name, id };
    case 'remove':
    case 'path':
    case 'get':
      return { kind, name };
    default:
      return kind satisfies never;
  }
}

function isPath(path: string): path is Path {
  return Object.hasOwn(kinds, path);
}
