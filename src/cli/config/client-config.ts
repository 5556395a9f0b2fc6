import { readFile } from 'node:fs/promises';
import * as v from 'valibot';
import { describe, systemCode } from '#base/errors.ts';
import { logLevels } from '#base/log.ts';
import { dnsEntries, timeoutEntries, wanted } from '#protocol/client-settings.ts';
import { CliError } from '../errors.ts';
import { isSubnet } from '../parse/subnet.ts';

const level = v.optional(v.picklist(logLevels), 'info');
const subnets = v.optional(v.array(v.pipe(v.string(), v.check(isSubnet, 'a subnet'))), []);
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

const schema = v.object({
  cluster: v.optional(
    v.object({
      defaultManagerNamespace: v.optional(v.string(), ''),
      mappedNamespaces: v.optional(v.array(v.string()), []),
    }),
    {},
  ),
  intercept: v.optional(v.object({ defaultPort: v.optional(port, 8080) }), {}),
  logLevels: v.optional(v.object({ userDaemon: level, rootDaemon: level }), {}),
  dns: v.optional(v.object(dnsEntries), {}),
  timeouts: v.optional(v.object(timeoutEntries), {}),
  routing: v.optional(
    v.object({
      alsoProxySubnets: subnets,
      neverProxySubnets: subnets,
      allowConflictingSubnets: subnets,
    }),
    {},
  ),
});

/** What `config.yml` says, with the default where it says nothing. */
export type ClientConfig = v.InferOutput<typeof schema>;

/** The configuration, and the names of what stands in the file without being heeded. */
export interface FoundConfig {
  readonly config: ClientConfig;
  readonly unheeded: readonly string[];
}

/** Reads the user's `config.yml`; a file that is not there says nothing. */
export async function readClientConfig(path: string): Promise<FoundConfig> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return '';
    throw bad(path, describe(error), error);
  });
  // The YAML library takes longer to load than most commands run.
  if (text.trim() === '') return { config: v.parse(schema, {}), unheeded: [] };
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text) ?? {};
  } catch (error) {
    throw bad(path, describe(error).replace(/:?\n.*/s, ''), error);
  }
  const parsed = v.safeParse(schema, content);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? 'the file';
    throw bad(path, `${where}: ${wanted(issue)} expected`, undefined);
  }
  return { config: parsed.output, unheeded: unheededIn(content, parsed.output, '') };
}

function unheededIn(typed: unknown, heeded: unknown, at: string): string[] {
  if (!isTree(typed) || !isTree(heeded)) return [];
  return Object.entries(typed).flatMap(([name, value]) => {
    const path = at === '' ? name : `${at}.${name}`;
    return name in heeded ? unheededIn(value, heeded[name], path) : [path];
  });
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(path: string, why: string, cause: unknown): CliError {
  return new CliError('Usage', `${path}: ${why}`, { cause, hint: 'mend that file, or remove it' });
}
