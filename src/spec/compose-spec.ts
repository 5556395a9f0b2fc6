/** A Compose project as a handler. */
export interface ComposeSpec {
  /**
   * A Compose file, or a directory that holds one, from the specification's own directory on;
   * with `spec`, the directory that its relative paths start from.
   */
  readonly context?: string | undefined;
  /** A Compose document that the specification itself holds. */
  readonly spec?: Readonly<Record<string, unknown>> | undefined;
  /** What is meant of services, over what their own `x-telepresence` says; each name once. */
  readonly services: readonly ServiceIntent[];
}

/** What becomes of a Compose service; the same as its `x-telepresence`, and its name. */
export interface ServiceIntent extends ServiceBehavior {
  readonly name: string;
}

/** What a Compose service's `x-telepresence` says. */
export interface ServiceBehavior {
  readonly behavior: Behavior;
  /** Only with `remote`: the Service of the cluster that answers for it. */
  readonly mapping?: ServiceMapping | undefined;
  /** Names of the intercepts that it handles; undefined: all of the handler's. */
  readonly intercepts?: readonly string[] | undefined;
  /** Name of a connection; undefined: the handler's only one. */
  readonly connection?: string | undefined;
}

/** It answers intercepted traffic, it stays in the cluster, or it runs here as always. */
export const behaviors = ['interceptHandler', 'remote', 'local'] as const;
export type Behavior = (typeof behaviors)[number];

/** A Service of the cluster in the place of a Compose service. */
export interface ServiceMapping {
  readonly name: string;
  /** Else the intercept's. */
  readonly namespace?: string | undefined;
}
