/** How the cluster is reached; what is left out is the kubeconfig's. */
export interface ConnectionSpec {
  /** Undefined where it is the only one and is not named: `CONTEXT-NAMESPACE`. */
  readonly name?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly as?: string | undefined;
  readonly asUID?: string | undefined;
  readonly asGroups: readonly string[];
  readonly namespace?: string | undefined;
  readonly managerNamespace?: string | undefined;
  readonly mappedNamespaces: readonly string[];
  readonly alsoProxy: readonly string[];
  readonly neverProxy: readonly string[];
  readonly allowConflictingSubnets: readonly string[];
  /** Ports of the daemon's container, as `connect --docker --expose` takes them. */
  readonly expose: readonly string[];
  /** Name of the host that the daemon's container sees as its own. */
  readonly hostname?: string | undefined;
}
