/**
 * Why the user daemon could not do what the CLI asked (Failure.code). The CLI turns the code and
 * the facts into a sentence and the next step; the daemon's message is technical detail.
 */
export const failureCodes = [
  // Nothing to work with.
  'NotConnected',
  'AlreadyConnected',
  // The kubeconfig and the API server.
  'BadKubeconfig',
  'ClusterUnreachable',
  'Unauthorized',
  'Forbidden',
  'NamespaceNotFound',
  // The traffic-manager.
  'ManagerNotInstalled',
  'ManagerNotReady',
  'ManagerSilent',
  'ManagerUnreachable',
  'UpgradeRefused',
  'ManagerIncompatible',
  'NamespaceNotServed',
  // The root daemon and the machine.
  'RootDaemonUnavailable',
  'RootDaemonFailed',
  'NetworkOverlaps',
  // Intercepts.
  'InterceptNotFound',
  'InterceptFailed',
  'InterceptTimeout',
  'InterceptGone',
  'PortTaken',
  'PortInUse',
  'EnvironmentUnavailable',
  'FilesUnavailable',
  // Everything else.
  'Cancelled',
  'Internal',
] as const;

export type FailureCode = (typeof failureCodes)[number];

/** A failure code that came over the wire; one that we do not know is Internal. */
export function failureCode(text: string): FailureCode {
  return failureCodes.find((code) => code === text) ?? 'Internal';
}
