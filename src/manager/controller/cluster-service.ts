import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { describe } from '#base/errors.ts';
import { logLevel, type LogLevel, type Logger } from '#base/log.ts';
import { race } from '#base/race.ts';
import { Cluster, type ClusterInfo } from '#protocol/gen/telepresence_pb.ts';
import type { ServiceFacts } from '../state/service-info.ts';
import type { ListedWorkload } from '../state/workload-list.ts';
import type { Latest } from './latest.ts';
import type { Removal, Removed } from './remove-agents.ts';
import type { ServiceModel } from './service-model.ts';
import { createToldServices } from './told-services.ts';

interface Deps {
  readonly log: Logger;
  readonly services: Pick<ServiceModel, 'follow' | 'inNamespaces'>;
  readonly namespaces: Latest<readonly string[]>;
  readonly info: Latest<Omit<ClusterInfo, '$typeName' | '$unknown'>>;
  readonly lookup: (query: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;
  readonly listWorkloads: (namespace: string) => readonly ListedWorkload[];
  /** Changes after each look at the cluster. */
  readonly passes: Pick<Latest<number>, 'follow'>;
  readonly setLogLevel: (level: LogLevel, ms: number, signal: AbortSignal) => Promise<void>;
  readonly removeAgents: (removal: Removal, signal: AbortSignal) => Promise<Removed>;
  /** The namespace that this laptop is connected to: whoever may connect to it may read it. */
  readonly namespace: () => string | undefined;
  /** Those of the namespaces that this laptop's user may use. */
  readonly open: (
    namespaces: readonly string[],
    signal: AbortSignal,
  ) => Promise<ReadonlySet<string>>;
  /** Whether it may dial the others too. */
  readonly dialsAll: boolean;
}

// An answer of the DNS is at most 64 KiB; so is a question.
const maxQueryBytes = 65_535;

/** What laptops may ask the controller. */
export function serveCluster(deps: Deps, router: ConnectRouter): void {
  const onlyOwn = (namespace: string): void => {
    const own = deps.namespace();
    if (namespace === own) return;
    throw new ConnectError(
      `this connection is to namespace ${own ?? 'none'}, not to ${namespace}`,
      Code.PermissionDenied,
    );
  };
  router.service(Cluster, {
    async *watchCluster({ namespaces }, { signal }) {
      const wanted = new Set(namespaces);
      const isWanted = (name: string): boolean => wanted.size === 0 || wanted.has(name);
      let open: ReadonlySet<string> = new Set();
      const told = createToldServices({
        isOpen: (name) => open.has(name),
        addresses: deps.dialsAll,
      });
      let synced = false;
      for await (const part of merge(deps, isWanted, signal)) {
        switch (part.kind) {
          case 'services': {
            const { changed, removed } = told.tell(part.changes);
            yield {
              services: changed.map(serviceMessage),
              removedServices: removed,
              synced: !synced,
            };
            synced = true;
            break;
          }
          case 'namespaces': {
            const all = part.namespaces.filter(isWanted);
            const before = open;
            open = new Set([deps.namespace() ?? '', ...(await openOf(deps, all, signal))]);
            const closed = all.filter((name) => !open.has(name));
            yield { namespaces: all, namespacesChanged: true, closedNamespaces: closed };
            // What was told without its name before it was known who may know it.
            const opened = new Set(all.filter((name) => open.has(name) && !before.has(name)));
            if (!synced || opened.size === 0) break;
            const changes = { changed: deps.services.inNamespaces(opened), removed: [] };
            const { changed, removed } = told.tell(changes);
            yield { services: changed.map(serviceMessage), removedServices: removed };
            break;
          }
          case 'info':
            yield { info: { ...part.info, $typeName: 'telepresence.v1.ClusterInfo' } };
        }
      }
    },
    async lookup({ query }, { signal }) {
      if (query.length < 12 || query.length > maxQueryBytes) {
        throw new ConnectError('not a DNS question', Code.InvalidArgument);
      }
      try {
        return { answer: await deps.lookup(query, signal) };
      } catch (error) {
        deps.log.debug('lookup failed', { reason: describe(error) });
        throw new ConnectError('the cluster’s DNS does not answer', Code.Unavailable);
      }
    },
    listWorkloads({ namespace }) {
      onlyOwn(namespace);
      return { workloads: [...deps.listWorkloads(namespace)] };
    },
    async *watchWorkloads({ namespace }, { signal }) {
      let before = '';
      for await (const _pass of deps.passes.follow(signal)) {
        onlyOwn(namespace);
        const workloads = [...deps.listWorkloads(namespace)];
        const now = JSON.stringify(workloads);
        if (now === before) continue;
        before = now;
        yield { workloads };
      }
    },
    async setLogLevel({ level: name, durationMs }, { signal }) {
      const level = logLevel(name);
      if (level === undefined) throw new ConnectError(`no level: ${name}`, Code.InvalidArgument);
      await deps.setLogLevel(level, Number(durationMs), signal);
      return {};
    },
    async removeAgents({ namespace, workloads }, { signal }) {
      onlyOwn(namespace);
      deps.log.info('agents to be removed', { namespace, workloads: workloads.join(' ') });
      return await deps.removeAgents({ namespace, workloads }, signal);
    },
  });
}

async function openOf(
  deps: Pick<Deps, 'open' | 'log'>,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  try {
    return await deps.open(namespaces, signal);
  } catch (error) {
    deps.log.warning('rights not known', { reason: describe(error) });
    // The laptop asks again.
    throw new ConnectError(
      'the API server does not say which namespaces are open',
      Code.Unavailable,
    );
  }
}

type Part =
  | { readonly kind: 'info'; readonly info: Deps['info']['value'] }
  | { readonly kind: 'namespaces'; readonly namespaces: readonly string[] }
  | {
      readonly kind: 'services';
      readonly changes: {
        readonly changed: readonly ServiceFacts[];
        readonly removed: readonly string[];
      };
    };

/** Info and namespaces first, then everything as it comes. */
async function* merge(
  deps: Deps,
  isWanted: (namespace: string) => boolean,
  signal: AbortSignal,
): AsyncIterable<Part> {
  const info = iterate(deps.info.follow(signal), (value): Part => ({ kind: 'info', info: value }));
  const namespaces = iterate(deps.namespaces.follow(signal), (value): Part => ({
    kind: 'namespaces',
    namespaces: value,
  }));
  const services = iterate(deps.services.follow(isWanted, signal), (changes): Part => ({
    kind: 'services',
    changes,
  }));
  for (const first of [info, namespaces]) {
    const part = await first.next();
    if (part.done !== true) yield part.value;
  }
  const waiting = new Map([info, namespaces, services].map((one) => [one, tagged(one)]));
  while (waiting.size > 0) {
    const { from, result } = await race([...waiting.values()]);
    if (result.done === true) {
      waiting.delete(from);
      continue;
    }
    waiting.set(from, tagged(from));
    yield result.value;
  }
}

async function* iterate<T>(
  values: AsyncIterable<T>,
  part: (value: T) => Part,
): AsyncGenerator<Part> {
  for await (const value of values) yield part(value);
}

async function tagged(
  from: AsyncGenerator<Part>,
): Promise<{ from: AsyncGenerator<Part>; result: IteratorResult<Part> }> {
  return { from, result: await from.next() };
}

function serviceMessage(facts: ServiceFacts): {
  namespace: string;
  name: string;
  addresses: string[];
  ports: { name: string; port: number; protocol: string; ready: boolean }[];
  endpointAddresses: string[];
  externalName: string;
} {
  return {
    ...facts,
    addresses: [...facts.addresses],
    ports: [...facts.ports],
    endpointAddresses: [...facts.endpointAddresses],
  };
}
