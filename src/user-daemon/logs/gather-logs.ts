import * as v from 'valibot';
import { stringify } from 'yaml';
import { describe } from '#base/errors.ts';
import { agentContainer, agentInitContainer } from '#protocol/resources.ts';
import { withQuery, type KubeClient } from '#kube/client.ts';
import { resourcePath, resources } from '#kube/resource.ts';

/** Whose logs are wanted. */
export interface WantedLogs {
  readonly manager: boolean;
  /** `all`, `None`, or a part of a pod's name. */
  readonly agents: string;
  readonly podYaml: boolean;
}

/** A part of a file, or why there is none. */
export interface LogPart {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly trouble?: string;
  /** Names in it that are to be hidden by who wants that. */
  readonly namespace: string;
  readonly pod?: string;
}

interface Places {
  readonly managerNamespace: string;
  readonly namespace: string;
}

const containers = v.optional(v.array(v.looseObject({ name: v.string() })), []);
const podSchema = v.looseObject({
  metadata: v.looseObject({
    name: v.string(),
    labels: v.optional(v.record(v.string(), v.string()), {}),
  }),
  spec: v.looseObject({ containers, initContainers: containers }),
});
type Pod = v.InferOutput<typeof podSchema>;

/** Reads logs of the manager's and agents' containers by the API server, with the user's rights. */
export async function* gatherLogs(
  client: KubeClient,
  wanted: WantedLogs & Places,
  signal: AbortSignal,
): AsyncGenerator<LogPart> {
  const { managerNamespace, namespace, agents } = wanted;
  if (wanted.manager) {
    const isManager = ({ metadata }: Pod): boolean => metadata.labels['app'] === 'traffic-manager';
    yield* logsOf(client, {
      ...wanted,
      namespace: managerNamespace,
      what: 'traffic-manager',
      isMeant: isManager,
      signal,
    });
  }
  if (agents.toLowerCase() === 'none') return;
  const isMeant = ({ metadata, spec }: Pod): boolean =>
    [...spec.initContainers, ...spec.containers].some(({ name }) => name === agentContainer) &&
    (agents === 'all' || metadata.name.includes(agents));
  yield* logsOf(client, { ...wanted, namespace, what: 'traffic-agents', isMeant, signal });
}

interface Part {
  readonly namespace: string;
  /** Names the file that says why there is nothing. */
  readonly what: string;
  readonly isMeant: (pod: Pod) => boolean;
  readonly podYaml: boolean;
  readonly signal: AbortSignal;
}

async function* logsOf(client: KubeClient, part: Part): AsyncGenerator<LogPart> {
  const { namespace, what, signal } = part;
  let pods: readonly Pod[];
  try {
    const { items } = await client.list({
      resource: resources.pods,
      namespace,
      schema: podSchema,
      signal,
    });
    pods = items.filter(part.isMeant);
  } catch (error) {
    signal.throwIfAborted();
    yield { name: `${what}.missing.txt`, namespace, trouble: describe(error) };
    return;
  }
  if (pods.length === 0) {
    const trouble = `no pods with a ${what.replace(/s$/, '')} in namespace ${namespace}`;
    yield { name: `${what}.missing.txt`, namespace, trouble };
  }
  for (const pod of pods) yield* logsOfPod(client, part, pod);
}

async function* logsOfPod(client: KubeClient, part: Part, pod: Pod): AsyncGenerator<LogPart> {
  const { namespace, what, signal } = part;
  const { name } = pod.metadata;
  const facts = { namespace, pod: name };
  const of = [...pod.spec.initContainers, ...pod.spec.containers]
    .map((container) => container.name)
    .filter((each) => what === 'traffic-manager' || isOurs(each));
  for (const container of of) {
    const suffix = container === agentContainer || of.length === 1 ? '' : `.${container}`;
    const file = `${name}.${namespace}${suffix}.log`;
    try {
      const path = withQuery(
        resourcePath({ resource: resources.pods, namespace, name, subresource: 'log' }),
        { container, timestamps: 'false' },
      );
      const asked = `read the log of ${container} in pod ${namespace}/${name}`;
      const body = await client.requester.stream({ method: 'GET', path, what: asked, signal });
      for await (const chunk of body) {
        if (Buffer.isBuffer(chunk)) yield { name: file, data: chunk, ...facts };
      }
      yield { name: file, data: new Uint8Array(), ...facts };
    } catch (error) {
      signal.throwIfAborted();
      yield { name: `${file}.missing.txt`, trouble: describe(error), ...facts };
    }
  }
  if (part.podYaml) {
    const data = Buffer.from(stringify(withoutNoise(pod)));
    yield { name: `${name}.${namespace}.yaml`, data, ...facts };
  }
}

function isOurs(container: string): boolean {
  return container === agentContainer || container === agentInitContainer;
}

function withoutNoise({ metadata, ...rest }: Pod): object {
  const { managedFields: _managed, ...kept } = metadata;
  return { apiVersion: 'v1', kind: 'Pod', metadata: kept, ...rest };
}
