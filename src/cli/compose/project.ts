import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { readBehaviors, type Behaviors } from '#compose/behaviors.ts';
import type { ComposeDocument } from '#compose/document.ts';
import { networkName, laptopId } from '#docker/ours.ts';
import { rewrite, type HandlerPlace, type Rewritten } from '#compose/rewrite.ts';
import type { ComposeHandler } from '#spec/handler-spec.ts';
import type { CliContext } from '../context.ts';
import { docked, openDocker } from '../docker/docker-failure.ts';
import { canOrderNetworks } from './network-order.ts';
import { assignServices, type AssignedIntercept } from './assign-services.ts';
import { openCompose, type ComposeCommand } from './compose-command.ts';
import { findSource } from './compose-source.ts';
import { checkUpWords, readComposeWords } from './compose-words.ts';
import { readLabels } from './project-labels.ts';
import { composed, readProject } from './read-project.ts';

/** A user's project, read and understood; nothing runs yet. */
export interface Project<Intercept> {
  readonly compose: ComposeCommand;
  /** Whether Docker can be told which network of a container is the first. */
  readonly ordersNetworks: boolean;
  readonly document: ComposeDocument;
  readonly behaviors: Behaviors;
  /** By service: what it handles. */
  readonly assigned: ReadonlyMap<string, readonly Intercept[]>;
  /** The directory that is the project's for Compose. */
  readonly directory: string;
  /** Flags for whoever runs the copy. */
  readonly running: readonly string[];
  readonly notes: readonly string[];
}

/** Has Compose read the project, and finds out what is meant of its services. */
export async function openProject<Intercept extends AssignedIntercept>(
  context: CliContext,
  of: {
    readonly handler: ComposeHandler;
    /** From where relative paths of the specification start. */
    readonly base: string;
    /** For files of ours. */
    readonly directory: string;
    readonly intercepts: readonly Intercept[];
    readonly connections: readonly string[];
  },
): Promise<Project<Intercept>> {
  const { handler, base, directory, intercepts, connections } = of;
  const words = readComposeWords(handler.options);
  checkUpWords(handler.args);
  const docker = await openDocker(context);
  const compose = await openCompose(context, { docker });
  const { env } = context;
  const source = await findSource(handler.compose, { base, words, directory, env });
  const notes: string[] = [];
  const warn = (line: string): void => void notes.push(line);
  const document = await readProject(context, compose, { source, words, warn });
  const behaviors = composed(() => readBehaviors(document, handler.compose.services));
  const { assigned, notes: said } = assignServices(document, behaviors, {
    intercepts,
    connections,
  });
  const { signal } = context;
  return {
    compose,
    ordersNetworks: await docked(async () => await canOrderNetworks(docker, signal)),
    document,
    behaviors,
    assigned,
    directory: resolve(source.cwd, words.directory ?? '.'),
    running: words.running,
    notes: [...notes, ...said],
  };
}

/** The copy, with what is known of the pods by now. */
export function copyOf(
  {
    document,
    behaviors,
    ordersNetworks,
  }: Pick<Project<unknown>, 'document' | 'behaviors' | 'ordersNetworks'>,
  of: {
    readonly places: ReadonlyMap<string, HandlerPlace>;
    readonly environment: Readonly<Record<string, string>>;
    /** `NAME=VALUE`; a place may have its own over them. */
    readonly labels: readonly string[];
  },
): Rewritten {
  const { places, environment } = of;
  const labels = readLabels(of.labels);
  const facts = { behaviors, places, environment, network: networkName, ordersNetworks, labels };
  return composed(() => rewrite(document, facts));
}

/** Whose all is that is made. */
export function laptopOf({ uid, places }: CliContext): string {
  return laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
}
