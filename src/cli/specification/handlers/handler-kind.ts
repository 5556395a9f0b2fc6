import type { InterceptInfo } from '#protocol/gen/telepresence_pb.ts';
import type { CliContext } from '../../context.ts';
import type { FoundDaemon } from '../../daemon/session.ts';
import type { WatchedLane } from '../../handler/watcher.ts';
import type { MountAsked } from '../../parse/mount.ts';
import type { Journal } from '../undo/journal.ts';
import type { HandlerOutput } from './handler-output.ts';

/** What all handlers of one kind can do: `docker` with an image or a build, `compose`, `script`, `external`, none. */
export interface HandlerKind<Handler> {
  /**
   * Looks for all that could fail, and makes what takes long, before anything is intercepted. What it
   * makes is written into the journal before it is made, and goes when the ready handler is disposed.
   */
  prepare(handler: Handler, context: HandlerContext): Promise<ReadyHandler>;
}

/** A handler for which all is there but the intercepts. */
export interface ReadyHandler extends AsyncDisposable {
  /** How an intercept that it serves shows the pod's files; undefined: not at all. */
  mountOf(intercept: IntendedIntercept): MountAsked | undefined;
  /** Called once, when all of its intercepts are active; a prerequisite has none. */
  start(served: readonly ServedIntercept[]): Promise<RunningHandler>;
}

/** A handler that was started. */
export interface RunningHandler {
  readonly name: string;
  /** Resolves with its exit code, also where it was stopped; rejects only where it cannot be known. */
  readonly ended: Promise<number>;
  /**
   * Has it end: SIGTERM, and SIGKILL after so many seconds. Resolves when it has ended. Called again
   * with less, it has less time from then on.
   */
  stop(graceSeconds: number): Promise<void>;
}

/** What a handler is started with, whatever its kind. */
export interface HandlerContext {
  /** Its signal aborts when the run is given up; `takeSignals` is not for handlers: the runner has them. */
  readonly cli: CliContext;
  readonly name: string;
  /** The specification's `environment`, which wins over the pod's. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where relative paths of the specification start. */
  readonly directory: string;
  /** All of the run; the first one is the one where nothing else is said. */
  readonly connections: readonly RunConnection[];
  /** Those that it is to serve, before they are made; none of a prerequisite. */
  readonly intercepts: readonly IntendedIntercept[];
  /** A line that it prints comes with its name before it. */
  readonly output: HandlerOutput;
  /** For what has to be undone also where this command is killed. */
  readonly journal: Journal;
  readonly traces: RunTraces;
}

/** By what one run is known: the label of all that it makes in Docker, and a folder of files. */
export interface RunTraces {
  /** The value of the label `telepresence.handler`. */
  readonly id: string;
  /** Of this handler alone; whoever is killed leaves it to the watcher. */
  readonly directory: string;
  /** Is told which docker command is under way. */
  readonly watcher: WatchedLane;
  /** Names of volumes that handlers of this run have. */
  readonly usedVolumes: Set<string>;
  /** Names of Compose projects that handlers of this run have. */
  readonly usedProjects: Set<string>;
}

/** A connection that the run has made or found. */
export interface RunConnection extends FoundDaemon {
  /** As the specification calls it; empty where it has only one, without a name. */
  readonly name: string;
  readonly context: string;
  readonly namespace: string;
}

/** An intercept as the specification wants it. */
export interface IntendedIntercept {
  readonly name: string;
  readonly connection: RunConnection;
  readonly workload: string;
  /** Of the workload. */
  readonly namespace: string;
  /** Where the handler is to listen. */
  readonly localPort: number;
  /** `mountPoint` as it was written; undefined where nothing was. */
  readonly mountPoint: boolean | string | undefined;
}

/** An intercept that is active. */
export interface ServedIntercept extends IntendedIntercept {
  /** With the pod's environment, and where its files are. */
  readonly info: InterceptInfo;
}

/** For a kind that has nothing to prepare. */
export function startedAtOnce(
  mountOf: ReadyHandler['mountOf'],
  start: ReadyHandler['start'],
): ReadyHandler {
  return { mountOf, start, [Symbol.asyncDispose]: async () => await Promise.resolve() };
}
