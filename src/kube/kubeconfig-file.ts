import * as v from 'valibot';
import { parse } from 'yaml';
import { describe } from '#base/errors.ts';
import { KubeError } from './errors.ts';

const text = v.optional(v.string());
const texts = v.optional(v.nullable(v.array(v.string())));

const clusterSchema = v.object({
  server: v.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': v.optional(v.boolean()),
  'tls-server-name': text,
  'proxy-url': text,
  // Whoever's they are, they must not make the file unusable.
  extensions: v.fallback(
    v.optional(v.array(v.object({ name: v.string(), extension: v.optional(v.unknown()) }))),
    undefined,
  ),
});

const execSchema = v.object({
  apiVersion: v.string(),
  command: v.string(),
  args: texts,
  env: v.optional(v.nullable(v.array(v.object({ name: v.string(), value: v.string() })))),
  installHint: text,
  provideClusterInfo: v.optional(v.boolean()),
  interactiveMode: text,
});

const userSchema = v.object({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  username: text,
  password: text,
  as: text,
  'as-uid': text,
  'as-groups': texts,
  'as-user-extra': v.optional(v.nullable(v.record(v.string(), v.array(v.string())))),
  exec: v.optional(v.nullable(execSchema)),
  'auth-provider': v.optional(
    v.nullable(
      v.object({
        name: v.string(),
        config: v.optional(v.nullable(v.record(v.string(), v.string()))),
      }),
    ),
  ),
});

const contextSchema = v.object({ cluster: v.string(), user: text, namespace: text });

const fileSchema = v.object({
  'current-context': v.optional(v.nullable(v.string())),
  clusters: v.optional(v.nullable(v.array(v.object({ name: v.string(), cluster: clusterSchema })))),
  users: v.optional(
    v.nullable(v.array(v.object({ name: v.string(), user: v.nullish(userSchema) }))),
  ),
  contexts: v.optional(v.nullable(v.array(v.object({ name: v.string(), context: contextSchema })))),
});

export type ClusterEntry = v.InferOutput<typeof clusterSchema>;
export type UserEntry = v.InferOutput<typeof userSchema>;
export type ExecEntry = v.InferOutput<typeof execSchema>;
export type ContextEntry = v.InferOutput<typeof contextSchema>;

/** An entry, and the folder that its relative paths start from. */
interface Placed<T> {
  readonly value: T;
  readonly folder: string;
}

/** One or several kubeconfig files as one. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Placed<ClusterEntry>>;
  readonly users: ReadonlyMap<string, Placed<UserEntry>>;
  readonly contexts: ReadonlyMap<string, ContextEntry>;
}

/** Merges files as kubectl does: the first that names something decides. */
export function parseKubeconfig(
  files: readonly { readonly path: string; readonly folder: string; readonly text: string }[],
): Kubeconfig {
  let currentContext: string | undefined;
  const clusters = new Map<string, Placed<ClusterEntry>>();
  const users = new Map<string, Placed<UserEntry>>();
  const contexts = new Map<string, ContextEntry>();
  for (const file of files) {
    const content = parseFile(file);
    currentContext ??= content['current-context'] || undefined;
    const { folder } = file;
    for (const { name, cluster } of content.clusters ?? []) {
      if (!clusters.has(name)) clusters.set(name, { value: cluster, folder });
    }
    for (const { name, user } of content.users ?? []) {
      if (!users.has(name)) users.set(name, { value: user ?? {}, folder });
    }
    for (const { name, context } of content.contexts ?? []) {
      if (!contexts.has(name)) contexts.set(name, context);
    }
  }
  return { currentContext, clusters, users, contexts };
}

function parseFile(file: {
  readonly path: string;
  readonly text: string;
}): v.InferOutput<typeof fileSchema> {
  let content: unknown;
  try {
    // Its warnings would show lines of the file too, in a log.
    content = parse(file.text, { logLevel: 'error' }) ?? {};
  } catch (error) {
    // The parser shows the lines around its error, and those may hold secrets.
    const words = describe(error).replace(/:?\n.*/s, '');
    throw new KubeError('BadConfig', `kubeconfig ${file.path} is not YAML: ${words}`, {
      cause: error,
      hint: 'mend that line, or get the file anew',
    });
  }
  const parsed = v.safeParse(fileSchema, content);
  if (parsed.success) return parsed.output;
  throw new KubeError(
    'BadConfig',
    `kubeconfig ${file.path} is broken: ${parsed.issues.map(sentence).join('; ')}`,
    { hint: 'mend it, or get the file anew' },
  );
}

function sentence(issue: v.BaseIssue<unknown>): string {
  const where = v.getDotPath(issue) ?? 'the file';
  // The value stays out: it may be a secret.
  return issue.received === 'undefined'
    ? `${where} is missing`
    : `${where} is not ${issue.expected === 'Object' ? 'a mapping' : (issue.expected ?? 'right').toLowerCase()}`;
}
