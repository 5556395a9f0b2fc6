import { connectionStates, interceptStates, workloadKinds } from '#protocol/resources.ts';

// `required` and the rule both stand at the root: a rule on spec alone is skipped by the API server
// when spec is removed and added again.
const immutableSpec = [
  { rule: 'self.spec == oldSelf.spec', message: 'spec cannot be changed: create another object' },
];

const text = { type: 'string' } as const;
const shortText = { type: 'string', maxLength: 253 } as const;
const port = { type: 'integer', minimum: 1, maximum: 65_535 } as const;

function root(spec: object, status: object): object {
  return {
    type: 'object',
    required: ['spec'],
    'x-kubernetes-validations': immutableSpec,
    properties: {
      apiVersion: text,
      kind: text,
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}

/** The OpenAPI schema of Connection, with the rule that makes its spec immutable. */
export const connectionSchema: object = root(
  {
    type: 'object',
    required: ['user', 'client', 'installId', 'publicKey'],
    properties: {
      user: { ...text, minLength: 1, maxLength: 1024, description: 'As Kubernetes knows the user' },
      client: { ...shortText, description: 'user@laptop, for people' },
      installId: shortText,
      publicKey: {
        ...text,
        pattern: '^[A-Za-z0-9+/]{43}=$',
        description: 'Ed25519, base64 of 32 bytes; the private half stays on the laptop',
      },
    },
  },
  {
    type: 'object',
    properties: {
      state: { ...text, enum: [...connectionStates] },
      managerKey: text,
      managerCa: text,
      managerVersion: text,
      renewTime: { ...text, format: 'date-time' },
      disconnectedSince: { ...text, format: 'date-time' },
      message: text,
    },
  },
);

/** The OpenAPI schema of Intercept. */
export const interceptSchema: object = root(
  {
    type: 'object',
    required: ['name', 'user', 'client', 'connection', 'workload', 'target'],
    properties: {
      name: { ...shortText, minLength: 1, description: 'As the user typed it' },
      user: { ...text, minLength: 1, maxLength: 1024 },
      client: shortText,
      connection: {
        type: 'object',
        required: ['namespace', 'name', 'uid'],
        properties: { namespace: shortText, name: shortText, uid: shortText },
      },
      workload: {
        type: 'object',
        required: ['name'],
        properties: { name: shortText, kind: { ...text, enum: [...workloadKinds] } },
      },
      service: shortText,
      port: shortText,
      container: shortText,
      mechanism: { ...text, enum: ['tcp'] },
      target: {
        type: 'object',
        required: ['host', 'port'],
        properties: { host: shortText, port },
      },
      replaces: shortText,
    },
  },
  {
    type: 'object',
    properties: {
      state: { ...text, enum: [...interceptStates] },
      reason: text,
      message: text,
      since: { ...text, format: 'date-time' },
      workloadKind: { ...text, enum: [...workloadKinds] },
      service: text,
      servicePort: {
        type: 'object',
        required: ['port'],
        properties: { name: text, port },
      },
      severalPorts: { type: 'boolean' },
      container: text,
      containerPort: port,
      protocol: { ...text, enum: ['TCP', 'UDP'] },
      agents: {
        type: 'object',
        required: ['ready', 'wanted'],
        properties: {
          ready: { type: 'integer', minimum: 0 },
          wanted: { type: 'integer', minimum: 0 },
        },
      },
      podIP: text,
    },
  },
);
