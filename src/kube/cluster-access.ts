import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';

/** How the API server's certificate is checked. */
export interface ServerTrust {
  /** PEM authorities; undefined means Node's own and the system's. */
  readonly ca: string | undefined;
  /** The name in the certificate, where it is not the host's. */
  readonly serverName: string | undefined;
  /** `insecure-skip-tls-verify` */
  readonly skipVerify: boolean;
}

/** What proves who we are: in TLS, and in each request. */
export interface Identity {
  readonly secureContext: SecureContext;
  /** For a proxy that is reached by TLS: the cluster's authority and all known ones, nothing of ours. */
  readonly proxyContext: () => SecureContext;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

/** Certificate, key and token as they come from files, plugins and providers. */
export interface Credentials {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The Authorization header. */
  readonly authorization?: string | undefined;
  /** When they have to be asked for again, in ms since the epoch; undefined: never. */
  readonly refreshAt?: number | undefined;
}

/** The parts of an identity. */
export interface Lendable {
  /** Name of the kubeconfig's user. */
  readonly user: string;
  readonly impersonation: Identity['headers'];
  /** Reads files, runs plugins, asks providers: each time anew. */
  readonly read: () => Promise<Credentials>;
}

/** One cluster, one user, one namespace: all that is needed to talk to its API server. */
export interface ClusterAccess {
  readonly server: URL;
  /** Name of the kubeconfig's context, or `in-cluster`. */
  readonly context: string;
  /** Name of the kubeconfig's cluster, or `in-cluster`. */
  readonly cluster: string;
  readonly namespace: string;
  readonly proxy: URL | undefined;
  readonly trust: ServerTrust;
  /** How long one request may take, where the user says so. */
  readonly requestTimeoutMs?: number | undefined;
  /** The kubeconfig's user and whom it impersonates, for people. */
  readonly who?: string;
  /** What the kubeconfig's cluster says to programs of that name: its `extensions`. */
  extension?(name: string): unknown;
  /** Where a part of that stands, for people: the file and its line. */
  extensionPlace?(name: string, at: readonly (string | number)[]): string;
  /** A plain connection to the API server, past any proxy, where somebody else makes it. */
  dial?(signal: AbortSignal): Promise<Socket>;
  /** What the identity is made of, for a process of the same user that is elsewhere. */
  readonly lendable?: Lendable;
  /** The identity, fresh; may run an exec plugin. */
  identify(signal: AbortSignal): Promise<Identity>;
  /** Drops what is cached, because the API server refused it (401). */
  forgetIdentity(): void;
  /** What may be wrong with credentials that the API server has refused. */
  whyRefused(): string;
}
