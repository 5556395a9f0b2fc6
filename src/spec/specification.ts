import type { ConnectionSpec } from './connection-spec.ts';
import type { HandlerSpec, NamedValue } from './handler-spec.ts';

/** A valid Intercept Specification: every reference names something, every default is filled in. */
export interface Specification {
  /** Of the document, else of its file without the last extension. */
  readonly name: string;
  /** At least one: a document that names none means the kubeconfig's current context. */
  readonly connections: readonly ConnectionSpec[];
  readonly prerequisites: readonly Prerequisite[];
  /** Each once for each connection that it names. */
  readonly workloads: readonly WorkloadSpec[];
  /** Each name once. */
  readonly handlers: readonly HandlerSpec[];
}

/** What is run to its end before the first intercept, and what undoes it after the last. */
export interface Prerequisite {
  /** Name of a handler. */
  readonly create: string;
  /** Name of a handler; it runs for certain once `create` succeeded. */
  readonly delete?: string | undefined;
}

/** A workload of the cluster and its intercepts. */
export interface WorkloadSpec {
  /** Without the connection that is written before it (`connection/name`). */
  readonly name: string;
  /** Equals the `name` of exactly one of the connections; undefined where the only one has none. */
  readonly connection: string | undefined;
  /** Else the connection's. */
  readonly namespace?: string | undefined;
  readonly intercepts: readonly InterceptSpec[];
}

/** One intercept of a workload, and who answers for it. */
export interface InterceptSpec {
  /** Given, else the workload's name, with `-NAMESPACE` where the workload says its namespace. */
  readonly name: string;
  /** Name of a handler. */
  readonly handler: string;
  /** False: it is left out of the run. */
  readonly enabled: boolean;
  readonly traffic: Traffic;
  /** Name of a Service; else it is found. */
  readonly service?: string | undefined;
  /** Of the Service: its number or name; else it is found. */
  readonly port?: number | string | undefined;
  /** Where the handler listens; else the command line's default. */
  readonly localPort?: number | undefined;
  /** An IPv4 address. */
  readonly localAddress: string;
  /** Cleartext to the handler although the pod's clients speak TLS. */
  readonly plaintext: boolean;
  readonly meta: readonly NamedValue[];
  /** False: no volumes here; true: somewhere; text: that directory or drive; undefined: not said. */
  readonly mountPoint?: boolean | string | undefined;
  /** The container does not run meanwhile. */
  readonly replace: boolean;
  /** Undefined where the document says nothing of preview links. */
  readonly previewURL?: PreviewSpec | undefined;
}

/** What of a port's traffic is intercepted. */
export type Traffic =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'http';
      /** All must match; `auto` is a header of this intercept's own. */
      readonly headers: readonly NamedValue[] | 'auto';
      readonly path?: PathMatch | undefined;
    };

/** The path of the requests that are intercepted, without their query. */
export interface PathMatch {
  readonly match: 'prefix' | 'equal' | 'regexp' | 'suffix';
  readonly value: string;
}

/** A link to share, as the vendor's cloud makes them. */
export interface PreviewSpec {
  readonly enable: boolean;
  readonly banner: boolean;
  readonly ingress?: IngressSpec | undefined;
  readonly extraHeaders: readonly NamedValue[];
}

/** How requests from outside enter the cluster. */
export interface IngressSpec {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** The name in TLS and in the Host header. */
  readonly l5Host: string;
}
