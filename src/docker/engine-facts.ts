import * as v from 'valibot';
import { DockerError } from './errors.ts';

/** What is known of the engine that the user's docker command reaches, after they agreed on an API. */
export interface EngineFacts {
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  /** The newest that both speak. */
  readonly apiVersion: string;
  readonly commandVersion: string;
  /** As Docker calls it: `amd64`, `arm64`. Not this laptop's, but the engine's. */
  readonly architecture: string;
  readonly os: string;
  /** The engine runs without root, in a user namespace: it takes no managed plugins. */
  readonly rootless: boolean;
  /** Containers' users are others than the engine's (userns-remap, Enhanced Container Isolation). */
  readonly remapsUsers: boolean;
  readonly context: string;
  /** Where it listens (`unix:///var/run/docker.sock`, `ssh://…`), or undefined where nobody says so. */
  readonly endpoint: string | undefined;
  /** Ports published there are ports of this laptop. */
  readonly isOnThisMachine: boolean;
}

/** What was asked: `docker version`, `docker info` and the context's endpoint, each as printed. */
export interface EngineAnswers {
  readonly version: string;
  /** Empty where it could not be had. */
  readonly info: string;
  readonly endpoint: string;
}

const text = v.optional(v.string(), '');
const component = v.object({ Name: text });
const versionShape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    Client: v.optional(
      v.object({
        Version: text,
        ApiVersion: text,
        APIVersion: text,
        Context: text,
        OsArch: text,
      }),
    ),
    Server: v.nullish(
      v.object({
        Version: text,
        ApiVersion: text,
        APIVersion: text,
        Os: text,
        Arch: text,
        OsArch: text,
        Components: v.nullish(v.array(component)),
      }),
    ),
  }),
);
const infoShape = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    SecurityOptions: v.nullish(v.array(v.string())),
    // Podman's own.
    host: v.nullish(
      v.object({ security: v.nullish(v.object({ rootless: v.optional(v.boolean()) })) }),
    ),
  }),
);

/** The answers as facts. Podman answers in Docker's words, or by a `docker` command of its own. */
export function parseEngineFacts(answers: EngineAnswers): EngineFacts {
  const version = v.safeParse(versionShape, answers.version);
  if (!version.success) {
    throw new DockerError('BadAnswer', 'docker version said nothing that is understood', {
      cause: new Error(answers.version.slice(0, 500)),
    });
  }
  const { Client: client, Server: server } = version.output;
  // Podman without a service is its own engine.
  const engine = server ?? client;
  if (engine === undefined) throw new DockerError('BadAnswer', 'docker version names no engine');
  const [os = '', architecture = ''] = engine.OsArch.split('/');
  const isPodman =
    (server === undefined || server === null ? client?.OsArch !== '' : false) ||
    (server?.Components ?? []).some(({ Name }) => /podman/i.test(Name));
  const info = v.safeParse(infoShape, answers.info);
  const security = info.success ? (info.output.SecurityOptions ?? []) : [];
  const says = (name: string): boolean =>
    security.some((option) => option.startsWith(`name=${name}`));
  const endpoint = endpointOf(answers.endpoint);
  return {
    kind: isPodman ? 'podman' : 'docker',
    version: engine.Version,
    apiVersion: older(apiOf(client), apiOf(server ?? undefined)),
    commandVersion: client?.Version ?? '',
    architecture: processorOf((server?.Arch ?? '') || architecture),
    os: (server?.Os ?? '') || os,
    rootless: says('rootless') || (info.success && info.output.host?.security?.rootless === true),
    remapsUsers: says('userns'),
    context: client?.Context || 'default',
    endpoint,
    isOnThisMachine: endpoint === undefined || isLocal(endpoint),
  };
}

/** What `docker context inspect` said, as JSON, of where the engine listens. */
export function endpointOf(printed: string): string | undefined {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), v.string()), printed);
  return parsed.success && parsed.output !== '' ? parsed.output : undefined;
}

/** Whether an engine that listens there is this machine's. */
export const isLocal = (endpoint: string): boolean =>
  /^(unix|npipe|fd):/.test(endpoint) ||
  /^(tcp|https?):\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])([:/]|$)/.test(endpoint);

function apiOf(
  said: { readonly ApiVersion: string; readonly APIVersion: string } | undefined,
): string {
  return said === undefined ? '' : said.ApiVersion || said.APIVersion;
}

/** The older of two API versions; the other where one is not known. */
function older(one: string, other: string): string {
  if (one === '' || other === '') return one || other;
  const [a, b] = [one, other].map((version) => version.split('.').map(Number));
  for (const index of [0, 1]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference < 0 ? one : other;
  }
  return one;
}

/** Kernels and Docker have different names for one processor. */
function processorOf(name: string): string {
  return { x86_64: 'amd64', x64: 'amd64', aarch64: 'arm64' }[name] ?? name;
}
