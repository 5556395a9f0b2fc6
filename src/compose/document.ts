import * as v from 'valibot';
import { parse } from 'yaml';
import { ComposeError } from './errors.ts';

const text = v.union([v.string(), v.number(), v.boolean()]);
const texts = v.array(v.string());

const dependency = v.looseObject({
  condition: v.string(),
  required: v.optional(v.boolean()),
  restart: v.optional(v.boolean()),
});

const mount = v.looseObject({
  type: v.string(),
  target: v.string(),
  source: v.optional(v.string()),
});

const port = v.looseObject({
  target: v.union([v.number(), v.string()]),
  published: v.optional(v.union([v.number(), v.string()])),
  host_ip: v.optional(v.string()),
  protocol: v.optional(v.string()),
});

const membership = v.nullable(
  v.looseObject({
    aliases: v.optional(texts),
    ipv4_address: v.optional(v.string()),
    ipv6_address: v.optional(v.string()),
  }),
);

/** A key that is there twice is one too many: as a list of names, or as names with what is said of each. */
const file = v.union([
  v.string(),
  v.looseObject({ source: v.string(), target: v.optional(v.string()) }),
]);

const serviceShape = v.looseObject({
  depends_on: v.optional(v.record(v.string(), dependency)),
  network_mode: v.optional(v.string()),
  networks: v.optional(v.record(v.string(), membership)),
  environment: v.optional(v.record(v.string(), v.nullable(text))),
  volumes: v.optional(v.array(mount)),
  volumes_from: v.optional(texts),
  tmpfs: v.optional(v.union([v.string(), texts])),
  secrets: v.optional(v.array(file)),
  configs: v.optional(v.array(file)),
  ports: v.optional(v.array(port)),
  links: v.optional(texts),
  external_links: v.optional(texts),
  extra_hosts: v.optional(v.union([texts, v.record(v.string(), v.union([v.string(), texts]))])),
  labels: v.optional(v.record(v.string(), text)),
  hostname: v.optional(v.string()),
  container_name: v.optional(v.string()),
  profiles: v.optional(texts),
  ipc: v.optional(v.string()),
  pid: v.optional(v.string()),
  scale: v.optional(v.number()),
  deploy: v.optional(v.nullable(v.looseObject({ replicas: v.optional(v.number()) }))),
  develop: v.optional(v.nullable(v.looseObject({ watch: v.optional(v.array(v.unknown())) }))),
  'x-develop': v.optional(v.unknown()),
  'x-telepresence': v.optional(v.unknown()),
});

const resource = v.nullable(
  v.looseObject({
    name: v.optional(v.string()),
    external: v.optional(v.boolean()),
    labels: v.optional(v.record(v.string(), text)),
  }),
);

const documentShape = v.looseObject({
  name: v.string(),
  services: v.record(v.string(), serviceShape),
  networks: v.record(v.string(), resource),
  volumes: v.record(v.string(), resource),
  'x-telepresence': v.optional(v.unknown()),
});

/** A Compose document as `docker compose config` prints it; keys that we do not know are kept as they are. */
export type ComposeDocument = v.InferOutput<typeof documentShape>;
export type Service = v.InferOutput<typeof serviceShape>;
export type Dependency = v.InferOutput<typeof dependency>;
export type ServiceMount = v.InferOutput<typeof mount>;
export type ServicePort = v.InferOutput<typeof port>;
export type ComposeResource = v.InferOutput<typeof resource>;

/** The network that services are in which name none. */
export const defaultNetwork = 'default';

/** Reads what `docker compose config` has printed; its keys stay in their order. */
export function parseComposeDocument(printed: string): ComposeDocument {
  let read: unknown;
  try {
    read = parse(printed, { maxAliasCount: -1 });
  } catch (error) {
    throw new ComposeError('BadDocument', 'docker compose config has printed what is no YAML', {
      cause: error,
    });
  }
  const value = withParts(read);
  if (v.is(documentShape, value)) return value;
  const issue = v.safeParse(documentShape, value).issues?.[0];
  const at = (issue && v.getDotPath(issue)) ?? 'the document';
  throw new ComposeError(
    'BadDocument',
    `docker compose config has printed something unknown at ${at}: ${issue?.message ?? ''}`,
    { hint: 'look at it: docker compose config' },
  );
}

/** Where there is none of something, it is left out. */
function withParts(read: unknown): unknown {
  if (typeof read !== 'object' || read === null) return read;
  const parts = ['services', 'networks', 'volumes'].filter((key) => !Object.hasOwn(read, key));
  return { ...read, ...Object.fromEntries(parts.map((key) => [key, {}])) };
}

/** The same document with some of its services others; undefined: removed. */
export function mapServices(
  document: ComposeDocument,
  change: (service: Service, name: string) => Service | undefined,
): ComposeDocument {
  const services: Record<string, Service> = {};
  for (const [name, service] of Object.entries(document.services)) {
    const changed = change(service, name);
    if (changed !== undefined) services[name] = changed;
  }
  return { ...document, services };
}

/** A service without some of its keys. */
export function without(service: Service, ...keys: readonly string[]): Service {
  const left: unknown = Object.fromEntries(
    Object.entries(service).filter(([key]) => !keys.includes(key)),
  );
  if (v.is(serviceShape, left)) return left;
  throw new Error(`a service without ${keys.join(', ')} is none`);
}
