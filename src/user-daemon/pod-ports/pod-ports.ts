import { describe, systemCode } from '#base/errors.ts';
import { UserDaemonError } from '../errors.ts';
import { listenForPod, type PodListenerDeps } from './listen-tcp.ts';
import { listenForPodDatagrams } from './listen-udp.ts';
import type { PodPort } from './pod-port.ts';

interface Deps extends PodListenerDeps {
  /** Who has a port of this machine, for people; undefined where that cannot be seen. */
  readonly findHolder: (port: PodPort) => Promise<string | undefined>;
}

/** Ports of this machine's loopback that lead to the same ports of intercepted pods (`--to-pod`). */
export interface PodPorts extends AsyncDisposable {
  /** The name of the intercept that has a port. */
  ownerOf(port: PodPort): string | undefined;
  /**
   * Listens for an intercept that is about to be made, before anything is changed in the cluster.
   * What the intercept of that name has already stays open, and passes over to the new one.
   */
  reserve(name: string, ports: readonly PodPort[]): Promise<ReservedPodPorts>;
  /** Ends what is not of these intercepts. */
  retain(interceptUids: readonly string[]): void;
}

/** Ports that are listened on, for an intercept that is not there yet. */
export interface ReservedPodPorts {
  /** From now on they lead to that intercept's pod, and no others of its name do. */
  give(interceptUid: string): void;
  /** It came to nothing: whatever was opened for it closes. */
  release(): Promise<void>;
}

interface Held {
  readonly name: string;
  interceptUid: string | undefined;
  /** Of an intercept that may be about to end, and wanted by its successor. */
  reserved: boolean;
  readonly listener: AsyncDisposable;
}

const keyOf = ({ port, protocol }: PodPort): string => `${String(port)}/${protocol}`;

/** None yet. */
export function createPodPorts(deps: Deps): PodPorts {
  const held = new Map<string, Held>();
  let live: readonly string[] | undefined;

  const drop = async (key: string, one: Held): Promise<void> => {
    if (held.get(key) === one) held.delete(key);
    await one.listener[Symbol.asyncDispose]();
  };
  /** What is reserved waits: whoever has it may be replaced just now. */
  const sweep = (): void => {
    for (const [key, one] of held) {
      if (one.reserved || one.interceptUid === undefined) continue;
      if (live !== undefined && !live.includes(one.interceptUid)) void drop(key, one);
    }
  };
  const open = async (name: string, port: PodPort): Promise<Held> => {
    const to = { port: port.port, intercept: () => one.interceptUid };
    const listen = port.protocol === 'UDP' ? listenForPodDatagrams : listenForPod;
    const listener = await listen(deps, to).catch(async (error: unknown) => {
      throw await whyNot(deps, port, error);
    });
    const one: Held = { name, interceptUid: undefined, reserved: true, listener };
    held.set(keyOf(port), one);
    return one;
  };

  return {
    ownerOf: (port) => held.get(keyOf(port))?.name,
    async reserve(name, ports) {
      const fresh: (readonly [string, Held])[] = [];
      const kept: Held[] = [];
      const release = async (): Promise<void> => {
        for (const one of kept) one.reserved = false;
        await Promise.all(fresh.map(async ([key, one]) => await drop(key, one)));
        sweep();
      };
      const wanted = new Set(ports.map(keyOf));
      try {
        for (const port of ports) {
          const known = held.get(keyOf(port));
          if (known === undefined) fresh.push([keyOf(port), await open(name, port)]);
          else if (known.name === name) kept.push(Object.assign(known, { reserved: true }));
          else throw takenBy(port, known.name);
        }
      } catch (error) {
        await release();
        throw error;
      }
      return {
        release,
        give(interceptUid) {
          for (const [key, one] of held) {
            if (one.name !== name) continue;
            if (wanted.has(key)) Object.assign(one, { interceptUid, reserved: false });
            else void drop(key, one);
          }
          sweep();
        },
      };
    },
    retain(interceptUids) {
      live = interceptUids;
      sweep();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...held].map(async ([key, one]) => await drop(key, one)));
    },
  };
}

function takenBy({ port }: PodPort, owner: string): UserDaemonError {
  return new UserDaemonError('PortTaken', `port ${String(port)} serves the intercept ${owner}`, {
    facts: { port: String(port), owner },
  });
}

async function whyNot(deps: Deps, port: PodPort, error: unknown): Promise<UserDaemonError> {
  const cause = { cause: error };
  if (systemCode(error) !== 'EADDRINUSE') {
    const only = systemCode(error) === 'EACCES' ? 'only root may listen on it' : describe(error);
    const message = `port ${keyOf(port)} of this machine cannot be the pod's: ${only}`;
    return new UserDaemonError('InterceptFailed', message, cause);
  }
  const holder = await deps.findHolder(port).catch(() => undefined);
  return new UserDaemonError('PortInUse', `port ${keyOf(port)} of this machine is in use`, {
    ...cause,
    facts: { port: keyOf(port).replace('/TCP', ''), ...(holder === undefined ? {} : { holder }) },
  });
}
