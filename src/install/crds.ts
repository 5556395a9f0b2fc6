import { logLevels } from '#base/log.ts';
import { interceptModes } from '#protocol/intercept-mode.ts';
import {
  group,
  interceptStates,
  connectionStates,
  version,
  workloadKinds,
} from '#protocol/resources.ts';
import { helmMetadata, type InstallContext, type Manifest } from './manifest.ts';

type Schema = Readonly<Record<string, unknown>>;

// Every length has an end: the API server counts what a rule could cost at most.
const text = (maxLength: number, more: Schema = {}): Schema => ({
  type: 'string',
  maxLength,
  ...more,
});
const name = text(253, { minLength: 1 });
const uid = text(36, { minLength: 36 });
const port: Schema = { type: 'integer', minimum: 1, maximum: 65_535 };
const time: Schema = { type: 'string', format: 'date-time' };
const object = (properties: Schema, required: readonly string[] = []): Schema => ({
  type: 'object',
  properties,
  ...(required.length === 0 ? {} : { required }),
});

const connectionSpec = object(
  {
    user: text(1024),
    groups: { type: 'array', maxItems: 256, items: text(256), 'x-kubernetes-list-type': 'atomic' },
    client: text(256),
    installId: text(64),
    publicKey: text(44, { minLength: 44, pattern: '^[A-Za-z0-9+/]{43}=$' }),
    via: { type: 'array', maxItems: 32, items: name, 'x-kubernetes-list-type': 'atomic' },
  },
  ['user', 'client', 'installId', 'publicKey'],
);
const connectionStatus = object({
  state: { type: 'string', enum: [...connectionStates] },
  managerKey: text(44),
  managerCa: text(16_384),
  managerVersion: text(64),
  apiLevels: object({ oldest: { type: 'integer' }, newest: { type: 'integer' } }, [
    'oldest',
    'newest',
  ]),
  renewTime: time,
  relays: { type: 'object', additionalProperties: time, maxProperties: 64 },
  disconnectedSince: time,
  message: text(4096),
  via: {
    type: 'object',
    maxProperties: 32,
    additionalProperties: object(
      {
        state: { type: 'string', enum: ['Waiting', 'Ready', 'Error'] },
        reason: text(64),
        message: text(4096),
        agents: object({ ready: { type: 'integer' }, wanted: { type: 'integer' } }, [
          'ready',
          'wanted',
        ]),
      },
      ['state'],
    ),
  },
  logLevel: object({ level: { type: 'string', enum: [...logLevels] }, until: time }, ['level']),
});
const interceptSpec = object(
  {
    name,
    user: text(1024),
    client: text(256),
    connection: object({ namespace: text(63, { minLength: 1 }), name, uid }, [
      'namespace',
      'name',
      'uid',
    ]),
    workload: object({ name, kind: { type: 'string', enum: [...workloadKinds] } }, ['name']),
    service: text(63),
    port: text(64),
    container: text(63),
    mechanism: { type: 'string', enum: ['tcp'], default: 'tcp' },
    mode: { type: 'string', enum: [...interceptModes] },
    target: object({ host: text(253), port }, ['host']),
    replaces: name,
    force: { type: 'boolean' },
    replaceContainer: { type: 'boolean' },
    containerPorts: {
      type: 'array',
      maxItems: 64,
      items: object({ port: text(19), target: port }, ['target']),
      'x-kubernetes-list-type': 'atomic',
    },
  },
  ['name', 'user', 'client', 'connection', 'workload'],
);
const interceptStatus = object({
  state: { type: 'string', enum: [...interceptStates] },
  reason: text(64),
  message: text(4096),
  since: time,
  workloadKind: { type: 'string', enum: [...workloadKinds] },
  service: text(63),
  servicePort: object({ name: text(63), port }, ['port']),
  severalPorts: { type: 'boolean' },
  container: text(63),
  containerPort: port,
  protocol: { type: 'string', enum: ['TCP', 'UDP'] },
  ports: {
    type: 'array',
    items: object(
      {
        name: text(15),
        port,
        protocol: { type: 'string', enum: ['TCP', 'UDP'] },
        target: port,
      },
      ['port', 'protocol', 'target'],
    ),
  },
  agents: object({ ready: { type: 'integer' }, wanted: { type: 'integer' } }, ['ready', 'wanted']),
  podIP: text(64),
});

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  readonly priority?: number;
}

/** The two kinds. */
export function crds(context: InstallContext): Manifest[] {
  return [
    crd(context, {
      kind: 'Connection',
      plural: 'connections',
      shortNames: ['tpconn'],
      spec: connectionSpec,
      status: connectionStatus,
      columns: [
        column('User', 'string', '.spec.user', 'The user as Kubernetes knows it'),
        column('Client', 'string', '.spec.client', 'user@laptop'),
        column('State', 'string', '.status.state', 'Whether the laptop can be reached'),
        column('Renewed', 'date', '.status.renewTime', 'When the laptop was last seen'),
        column('Age', 'date', '.metadata.creationTimestamp', 'How long the connection exists'),
      ],
    }),
    crd(context, {
      kind: 'Intercept',
      plural: 'intercepts',
      shortNames: ['tpint'],
      spec: interceptSpec,
      status: interceptStatus,
      columns: [
        column('Intercept', 'string', '.spec.name', 'The name that the user gave it'),
        column('User', 'string', '.spec.user', 'The user as Kubernetes knows it'),
        column('Client', 'string', '.spec.client', 'user@laptop'),
        column('Workload', 'string', '.spec.workload.name', 'Whose traffic is taken'),
        column('Port', 'integer', '.status.containerPort', 'The container port that is taken'),
        column('State', 'string', '.status.state', 'Whether traffic goes to the laptop'),
        column('Since', 'date', '.status.since', 'How long it has been in this state'),
        {
          ...column('Replaces', 'boolean', '.spec.replaceContainer', 'Whether the app steps aside'),
          priority: 1,
        },
        { ...column('Mode', 'string', '.spec.mode', 'wiretap, ingest, or intercept'), priority: 1 },
        { ...column('Reason', 'string', '.status.reason', 'Why, for machines'), priority: 1 },
        { ...column('Message', 'string', '.status.message', 'Why, for people'), priority: 1 },
      ],
    }),
  ];
}

function column(
  title: string,
  type: Column['type'],
  jsonPath: string,
  description: string,
): Column {
  return { name: title, type, jsonPath, description };
}

interface Kind {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  readonly spec: Schema;
  readonly status: Schema;
  readonly columns: readonly Column[];
}

function crd(context: InstallContext, kind: Kind): Manifest {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: helmMetadata(context, `${kind.plural}.${group}`, { keep: true }),
    spec: {
      group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.kind.toLowerCase(),
        shortNames: kind.shortNames,
        categories: ['telepresence'],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: kind.spec,
                // A newer manager may say more.
                status: { ...kind.status, 'x-kubernetes-preserve-unknown-fields': true },
              },
              // At the root: a rule on the field itself is skipped when the field is taken away
              // and put back, and a spec was forged that way.
              required: ['spec'],
              'x-kubernetes-validations': [
                { rule: 'self.spec == oldSelf.spec', message: 'spec cannot be changed' },
              ],
            },
          },
        },
      ],
    },
  };
}
