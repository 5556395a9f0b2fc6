import { create } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { withDeadline } from '#base/wait.ts';
import { keepCopied } from '#host/mounts/keep-copied.ts';
import type { RemoteMounts } from '#host/mounts/remote-mounts.ts';
import {
  ServedFilesSchema,
  type GetEnvironmentResponse,
  type InterceptInfo,
  type MountRequest,
  type MountedVolume,
} from '#protocol/gen/telepresence_pb.ts';
import { keepMounted } from './keep-mounted.ts';
import { serveFilesPort } from './files-port.ts';
import type { MountMemory } from './left-over.ts';
import { prepareMountPoint, removeMountPoint, type MountPoint } from './mount-point.ts';
import type { OpenFiles } from './open-files.ts';
import { isVolumePath } from '#protocol/sftp/volume-path.ts';

interface Deps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomInt: (below: number) => number;
  readonly temporaryDirectory: string;
  readonly mounts: RemoteMounts;
  readonly memory: MountMemory;
  readonly openFiles: OpenFiles;
}

/** What is to be seen here of which container. */
interface MountWanted {
  readonly interceptUid: string;
  readonly request: MountRequest;
  readonly found: Pick<GetEnvironmentResponse, 'container' | 'mounts' | 'volumes'>;
}

/** What an intercept's user is told of its volumes. */
export type MountState = Pick<
  InterceptInfo,
  'mountPoint' | 'mountError' | 'mountNote' | 'mounts' | 'files'
>;

/** The volumes of the pods that a session has intercepted, as they are seen on this machine. */
export interface Mounts extends AsyncDisposable {
  /** Shows a container's volumes; does not reject for want of them. */
  add(wanted: MountWanted, signal: AbortSignal): Promise<MountState>;
  stateOf(interceptUid: string): MountState | undefined;
  /** Takes away all but those of these intercepts. */
  retain(interceptUids: readonly string[]): Promise<void>;
  /** Takes them away; resolves when they are. */
  drop(interceptUid: string): Promise<void>;
}

interface Shown extends AsyncDisposable {
  readonly state: MountState;
}

const showWithinMs = 8000;
const nothing: MountState = { mountPoint: '', mountError: '', mountNote: '', mounts: [] };

/** Nothing is shown yet. */
export function createMounts(deps: Deps): Mounts {
  const shown = new Map<string, Shown>();

  const drop: Mounts['drop'] = async (interceptUid) => {
    const one = shown.get(interceptUid);
    shown.delete(interceptUid);
    await one?.[Symbol.asyncDispose]();
  };

  return {
    async add(wanted, signal) {
      const { request, found } = wanted;
      await drop(wanted.interceptUid);
      if (found.mounts.length === 0) {
        const mountError = request.path === '' ? '' : 'the container has no volumes';
        return { ...nothing, mountError };
      }
      let one: Shown;
      try {
        if (found.volumes.length === 0) {
          throw new Error('its traffic-agent is of an older version; restart the workload once');
        }
        const waiting = { ms: showWithinMs, what: 'volumes', signal };
        one = await withDeadline(deps, waiting, async (until) => await show(deps, wanted, until));
      } catch (error) {
        signal.throwIfAborted();
        deps.log.warning('volumes not mounted', { reason: describe(error) });
        one = {
          state: { ...nothing, mountError: describe(error) },
          [Symbol.asyncDispose]: async () => {},
        };
      }
      shown.set(wanted.interceptUid, one);
      return one.state;
    },
    stateOf: (interceptUid) => shown.get(interceptUid)?.state,
    async retain(interceptUids) {
      const gone = [...shown.keys()].filter((uid) => !interceptUids.includes(uid));
      await Promise.all(gone.map(drop));
    },
    drop,
    async [Symbol.asyncDispose]() {
      await Promise.all([...shown.keys()].map(drop));
    },
  };
}

async function show(deps: Deps, wanted: MountWanted, signal: AbortSignal): Promise<Shown> {
  const { request, found, interceptUid } = wanted;
  const { readOnly, serveOn } = request;
  if (serveOn !== '') return await serve(deps, wanted);
  const open = async (until: AbortSignal): ReturnType<OpenFiles> =>
    await deps.openFiles({ interceptUid, container: found.container, readOnly }, until);
  const small = found.volumes
    .filter((one) => one.small && isVolumePath(one.path))
    .map(({ path }) => path);
  const parts = [...new Set(small.map((path) => path.split('/')[1] ?? ''))];
  await using stack = new AsyncDisposableStack();
  const point = await prepareMountPoint(deps, request.path);
  const { path: mountPoint } = point;
  let copied = false;
  stack.defer(async () => await takeBack(deps, point, copied ? parts : []));
  // Before anything is there: what is killed now leaves word of it.
  await deps.memory.remember({ ...point, parts: [] });
  let why = await deps.mounts.whyNot();
  if (why === undefined) {
    try {
      stack.use(await keepMounted({ ...deps, open }, { mountPoint, readOnly, signal }));
      return shownAs({ ...nothing, mountPoint, mounts: found.mounts }, stack.move());
    } catch (error) {
      signal.throwIfAborted();
      why = describe(error);
    }
  }
  if (small.length === 0) {
    throw new Error(`${why}; without that only ConfigMaps, Secrets and tokens can be had`);
  }
  copied = true;
  await deps.memory.remember({ ...point, parts });
  const options = { directory: mountPoint, volumes: small, signal };
  const copy = stack.use(await keepCopied({ ...deps, open }, options));
  const there = small.filter((path) => !copy.leftOut.includes(path));
  const missing = found.mounts.filter((path) => !there.includes(path));
  const without = missing.length === 0 ? '' : `, without ${missing.join(', ')}`;
  const mountNote = `a read-only copy of ConfigMaps, Secrets and tokens${without} (${why})`;
  return shownAs({ ...nothing, mountPoint, mountNote, mounts: there }, stack.move());
}

/** For volumes of Docker's: whoever mounts them has the token. */
async function serve(deps: Deps, { request, found, interceptUid }: MountWanted): Promise<Shown> {
  const { readOnly, serveOn: address } = request;
  const token = Array.from({ length: 32 }, () =>
    deps.randomInt(256).toString(16).padStart(2, '0'),
  ).join('');
  const port = await serveFilesPort(deps, { address, token, interceptUid, readOnly });
  const mounts = found.mounts.filter(isVolumePath);
  const paths = (wanted: (one: MountedVolume) => boolean): string[] =>
    found.volumes.filter((one) => wanted(one) && mounts.includes(one.path)).map(({ path }) => path);
  const files = create(ServedFilesSchema, {
    address,
    port: port.port,
    token,
    readOnly,
    mounts,
    small: paths((one) => one.small),
    readOnlyMounts: paths((one) => one.readOnly),
  });
  return {
    state: { ...nothing, files },
    [Symbol.asyncDispose]: async () => await port[Symbol.asyncDispose](),
  };
}

function shownAs(state: MountState, owned: AsyncDisposableStack): Shown {
  return { state, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

async function takeBack(deps: Deps, point: MountPoint, parts: readonly string[]): Promise<void> {
  try {
    await deps.mounts.release(point.path);
    await removeMountPoint(point, parts);
    await deps.memory.forget(point.path);
  } catch (error) {
    deps.log.warning('mount point not removed', { path: point.path, reason: describe(error) });
  }
}
