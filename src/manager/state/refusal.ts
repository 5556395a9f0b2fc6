/** Why an Intercept cannot be as it is asked for; `status.reason`. */
export type RefusalReason =
  | 'WorkloadNotFound'
  | 'WorkloadAmbiguous'
  | 'WorkloadNotInterceptable'
  | 'ServiceNotFound'
  | 'ServiceMismatch'
  | 'ServiceAmbiguous'
  | 'NoService'
  | 'PortNotFound'
  | 'PortAmbiguous'
  | 'ContainerNotFound'
  | 'ContainerAmbiguous'
  | 'ContainerPortNotFound'
  | 'ContainerPortAmbiguous'
  | 'NotReplaceable'
  | 'ProtocolNotSupported'
  | 'NameTaken'
  | 'Replaced'
  | 'Conflict'
  | 'ConflictLost'
  | 'ConflictOwn'
  | 'ForceRefused'
  | 'TakenOver'
  | 'InjectionDisabled'
  | 'InjectionRefused'
  | 'QuotaExceeded'
  | 'WebhookMissing'
  | 'WebhookUnreachable'
  | 'AgentUnreachable'
  | 'AgentMissing';

/** A reason for machines and a sentence for people. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly message: string;
}

/** A result, or why there is none. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: Refusal };

/** The result. */
export function found<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

/** Why there is no result. */
export function refused(
  reason: RefusalReason,
  message: string,
): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { reason, message } };
}
