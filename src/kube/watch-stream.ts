import type http from 'node:http';
import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import { withQuery, type KubeClient } from './client.ts';
import { KubeError, unreachable } from './errors.ts';
import { describeAddress, resourcePath, type Resource } from './resource.ts';
import { errorFromAnswer, parseJson, parseStatus } from './status.ts';

/** Which objects are watched. */
export interface WatchSelection {
  readonly resource: Resource;
  /** Left out: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** One event of the API server; `object` is foreign JSON yet. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: unknown;
  readonly resourceVersion: string;
}

// The server ends a watch after this time, so that load spreads; a bookmark comes each minute.
const lifeSeconds = 290;
const silenceMs = 90_000;

const eventSchema = v.object({ type: v.string(), object: v.unknown() });
const eventTypeSchema = v.picklist(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

/**
 * Changes after `resourceVersion`, until the server ends the stream or is silent for too long.
 * Throws a KubeError; `Gone` says that this version is no longer known.
 */
export async function* streamChanges(
  deps: {
    readonly client: KubeClient;
    readonly clock: Pick<Clock, 'after'>;
    readonly random: () => number;
  },
  selection: WatchSelection,
  options: { readonly version: string; readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent, void, undefined> {
  const what = `watch ${describeAddress(selection)}`;
  const response = await deps.client.requester.stream({
    method: 'GET',
    path: withQuery(resourcePath(selection), {
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion: options.version,
      labelSelector: selection.labelSelector,
      fieldSelector: selection.fieldSelector,
      timeoutSeconds: String(Math.round(lifeSeconds * (1 + deps.random() / 4))),
    }),
    what,
    signal: options.signal,
  });
  for await (const line of lines(deps, response, { what, signal: options.signal })) {
    yield parseWatchEvent(line, what);
  }
}

/** One line of a watch; throws a KubeError where it is none, or the server's own error. */
export function parseWatchEvent(line: string, what: string): WatchEvent {
  const event = v.safeParse(eventSchema, parseJson(line));
  if (!event.success) {
    throw new KubeError('BadObject', `${what}: an event that is none: ${line.slice(0, 200)}`);
  }
  const { type, object } = event.output;
  const status = type === 'ERROR' ? parseStatus(object) : undefined;
  if (status !== undefined) {
    throw errorFromAnswer(what, { status: status.code ?? 0, body: JSON.stringify(object) });
  }
  const known = v.safeParse(eventTypeSchema, type);
  const meta = v.safeParse(bookmarkSchema, object);
  if (!known.success || !meta.success) {
    throw new KubeError('BadObject', `${what}: unknown event ${type}`);
  }
  return {
    type: known.output,
    object,
    resourceVersion: meta.output.metadata.resourceVersion,
  };
}

const bookmarkSchema = v.object({ metadata: v.object({ resourceVersion: v.string() }) });

async function* lines(
  deps: { readonly clock: Pick<Clock, 'after'> },
  response: http.IncomingMessage,
  options: { readonly what: string; readonly signal: AbortSignal },
): AsyncGenerator<string, void, undefined> {
  response.setEncoding('utf8');
  let silent = false;
  const listen = (): Disposable =>
    deps.clock.after(silenceMs, () => {
      silent = true;
      response.destroy();
    });
  let timer = listen();
  let rest = '';
  try {
    for await (const chunk of response) {
      timer[Symbol.dispose]();
      timer = listen();
      const parts = `${rest}${String(chunk)}`.split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part.trim() !== '') yield part;
    }
  } catch (error) {
    options.signal.throwIfAborted();
    if (!silent) throw unreachable(options.what, error);
  } finally {
    timer[Symbol.dispose]();
    response.destroy();
  }
}
