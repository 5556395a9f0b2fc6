import * as v from 'valibot';

const text = v.string();

/** Ends a process with all that it has started: it leads a group. */
const processGroup = v.object({
  kind: v.literal('process-group'),
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  graceSeconds: v.number(),
});

/** Runs a command to its end; that it fails is no reason to stop. */
const command = v.object({
  kind: v.literal('command'),
  words: v.array(text),
  directory: text,
  environment: v.record(text, text),
});

/** Runs a handler of a specification to its end: the `delete` of a prerequisite. */
const deletion = v.object({
  kind: v.literal('delete'),
  handler: text,
  /** The specification, after its templates were expanded. */
  document: text,
  /** Its own name, where it says none. */
  name: text,
  directory: text,
  /** Whose network a container joins; undefined: none's. */
  connection: v.optional(text),
});

/** Gives an intercept back; without a connection it is this machine's own. */
const leave = v.object({
  kind: v.literal('leave'),
  connection: v.optional(text),
  name: text,
  id: text,
});

/** Ends a connection in a container by its name; without one, this machine's own. */
const disconnect = v.object({
  kind: v.literal('disconnect'),
  connection: v.optional(text),
  /** Whoever was killed was just making it: what he has started goes on making it. */
  mayCome: v.boolean(),
});

/** Removes a file that was written, while it holds what was written. */
const ownFile = v.object({
  kind: v.literal('own-file'),
  path: text,
  /** What becomes it. */
  fresh: text,
  /** Of what was written: the file itself holds secrets. */
  digest: text,
  /** A link leads to it: it becomes empty, and stays. */
  isLinked: v.boolean(),
});

/** One thing that a run has done, and how it is undone where the run itself cannot any more. */
export const undoStepShape = v.variant('kind', [
  processGroup,
  command,
  deletion,
  leave,
  disconnect,
  ownFile,
]);

/** The same. */
export type UndoStep = v.InferOutput<typeof undoStepShape>;

/** A step by its kind. */
export type UndoStepOf<Kind extends UndoStep['kind']> = Extract<UndoStep, { readonly kind: Kind }>;
