import type { InterceptMode } from '#protocol/intercept-mode.ts';

/**
 * `intercept-NAME-PORT`, as people know it from `docker ps`; of a wiretap, an ingest or a replaced
 * container with that word. With several connections the name of its own is appended.
 */
export function handlerName(of: {
  readonly what: InterceptMode | 'replace';
  readonly name: string;
  /** Where the traffic goes; none where no single port is taken. */
  readonly port: number | undefined;
  /** The connection, where there are others. */
  readonly beside: string | undefined;
}): string {
  const parts = [of.what, of.name, of.port, of.beside].filter((part) => part !== undefined);
  return parts.join('-').replaceAll(/[^a-zA-Z0-9_.-]+/g, '-');
}
