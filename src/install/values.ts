import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { peerValues, type PeerValue } from './peer-values.ts';
import { valuesSchema, type Values } from './values-schema.ts';

export type { Values } from './values-schema.ts';

/** Something wrong with what was given. */
export interface ValueProblem {
  readonly path: string;
  readonly message: string;
  /** There is no such value. */
  readonly unknown?: boolean;
}

/** What `helm` is given: nested objects, lists, and scalars. */
export type ValueTree = { readonly [key: string]: unknown };

/** Whether a value has keys. */
export function isTree(value: unknown): value is ValueTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `over` laid over `under` as Helm does with a chart's own values: objects key by key, everything
 * else as a whole, and null takes away.
 */
export function coalesce(under: ValueTree, over: ValueTree): ValueTree {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(merged, key) ? merged[key] : undefined;
    if (value === null) {
      // The schema fills what is gone with its default: of lists and maps nothing is to be left.
      if (Array.isArray(before)) merged[key] = [];
      else if (isTree(before)) merged[key] = emptied(before);
      else delete merged[key];
    } else merged[key] = isTree(before) && isTree(value) ? coalesce(before, value) : value;
  }
  return merged;
}

function emptied(tree: ValueTree): ValueTree {
  const left: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(tree)) {
    if (Array.isArray(value)) left[key] = [];
    else if (isTree(value)) left[key] = emptied(value);
  }
  return left;
}

/** Every value's default. */
export function defaultValues(): Values {
  // What has no default is not there at all.
  const defaults: unknown = JSON.parse(JSON.stringify(v.getDefaults(valuesSchema)));
  return v.parse(valuesSchema, defaults);
}

/** Values, and notes on what has no effect; or everything that is wrong or unknown. */
export function parseValues(
  raw: unknown,
):
  | { readonly ok: true; readonly values: Values; readonly notes: readonly string[] }
  | { readonly ok: false; readonly problems: readonly ValueProblem[] } {
  const given = raw ?? {};
  if (!isTree(given)) return { ok: false, problems: [{ path: '', message: 'values have keys' }] };
  const { rest, notes, problems } = takePeerValues(given);
  const parsed = v.safeParse(valuesSchema, coalesce({ ...defaultValues() }, rest));
  const all = [
    ...problems,
    ...(parsed.success ? conflicts(parsed.output) : parsed.issues.map(problemOf)),
  ];
  if (!parsed.success || all.length > 0) return { ok: false, problems: all };
  return { ok: true, values: parsed.output, notes };
}

/** The namespaces of a namespaced manager; undefined: all. */
export function claimedNamespaces(values: Values): readonly string[] | undefined {
  const { namespaced, namespaces } = values.managerRbac;
  if (!namespaced && values.namespaces.length === 0) return undefined;
  return [...new Set([...values.namespaces, ...(namespaced ? namespaces : [])])].toSorted();
}

function conflicts(values: Values): ValueProblem[] {
  const problems: ValueProblem[] = [];
  const { managerRbac, clientRbac, hostNetwork, apiPort } = values;
  if (managerRbac.namespaced && claimedNamespaces(values)?.length === 0) {
    problems.push({
      path: 'managerRbac.namespaces',
      message: 'name the namespaces that a namespaced manager serves',
    });
  }
  if (
    clientRbac.namespaced &&
    clientRbac.namespaces.length === 0 &&
    claimedNamespaces(values) === undefined
  ) {
    problems.push({
      path: 'clientRbac.namespaces',
      message: 'name the namespaces in which the subjects get their rights',
    });
  }
  if (hostNetwork && apiPort === 10_250) {
    problems.push({
      path: 'apiPort',
      message: 'with hostNetwork port 10250 is the kubelet’s: give another one (10260)',
    });
  }
  return problems;
}

/** Takes out what only the peer's chart has. */
function takePeerValues(given: ValueTree): {
  readonly rest: ValueTree;
  readonly notes: string[];
  readonly problems: ValueProblem[];
} {
  let rest = given;
  const notes: string[] = [];
  const problems: ValueProblem[] = [];
  // Helm itself puts it beside every chart's values.
  for (const peer of [{ path: 'global', reason: '' }, ...peerValues]) {
    const steps = peer.path.split('.');
    const found = lookUp(rest, steps);
    if (found === undefined) continue;
    rest = removed(rest, steps);
    if (refuses(peer, found.value)) {
      problems.push({ path: peer.path, message: `not supported: ${peer.reason}` });
    } else if (peer.reason !== '') notes.push(`${peer.path} has no effect: ${peer.reason}`);
  }
  return { rest, notes, problems };
}

function refuses({ only }: PeerValue, value: unknown): boolean {
  return only !== undefined && !only.some((allowed) => isDeepStrictEqual(allowed, value));
}

function lookUp(tree: ValueTree, steps: readonly string[]): { value: unknown } | undefined {
  const [step = '', ...further] = steps;
  if (!Object.hasOwn(tree, step)) return undefined;
  const value = tree[step];
  if (further.length === 0) return { value };
  return isTree(value) ? lookUp(value, further) : undefined;
}

/** Without what is at `steps`, and without groups that are empty then. */
function removed(tree: ValueTree, steps: readonly string[]): ValueTree {
  const [step = '', ...further] = steps;
  const { [step]: value, ...others } = tree;
  if (further.length === 0 || !isTree(value)) return others;
  const left = removed(value, further);
  return Object.keys(left).length === 0 ? others : { ...others, [step]: left };
}

type Issue = v.InferIssue<typeof valuesSchema>;

function problemOf(issue: Issue): ValueProblem {
  const path = v.getDotPath(issue) ?? '';
  const unknown =
    issue.kind === 'schema' && issue.type === 'strict_object' && issue.expected === 'never';
  if (unknown) return { path, message: 'there is no such value', unknown };
  const quoted = issue.type === 'string' && /^(true|false|-?\d)/.test(issue.received);
  return { path, message: `${issue.message}${quoted ? ' (--set-string makes it text)' : ''}` };
}
