import { Code, ConnectError } from '@connectrpc/connect';
import { describe } from '#base/errors.ts';
import type { FailureCode } from '#protocol/failures.ts';
import { FailureSchema } from '#protocol/gen/telepresence_pb.ts';
import { UserDaemonError } from '../errors.ts';

/** The one way out for errors: each becomes a Connect error with a Failure as its detail. */
export function toConnectError(thrown: unknown, signal: AbortSignal): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const known = thrown instanceof UserDaemonError ? thrown : undefined;
  const code: FailureCode = known?.code ?? (signal.aborted ? 'Cancelled' : 'Internal');
  const message = known?.message ?? describe(thrown);
  const detail = { desc: FailureSchema, value: { code, message, facts: { ...known?.facts } } };
  return new ConnectError(message, connectCodes[code], undefined, [detail], thrown);
}

const connectCodes: Readonly<Record<FailureCode, Code>> = {
  NotConnected: Code.FailedPrecondition,
  AlreadyConnected: Code.AlreadyExists,
  BadKubeconfig: Code.InvalidArgument,
  ClusterUnreachable: Code.Unavailable,
  Unauthorized: Code.Unauthenticated,
  Forbidden: Code.PermissionDenied,
  NamespaceNotFound: Code.NotFound,
  ManagerNotInstalled: Code.FailedPrecondition,
  ManagerNotReady: Code.Unavailable,
  ManagerSilent: Code.DeadlineExceeded,
  ManagerUnreachable: Code.Unavailable,
  UpgradeRefused: Code.Unavailable,
  NamespaceNotServed: Code.FailedPrecondition,
  ManagerIncompatible: Code.FailedPrecondition,
  RootDaemonUnavailable: Code.Unavailable,
  RootDaemonFailed: Code.FailedPrecondition,
  NetworkOverlaps: Code.FailedPrecondition,
  InterceptNotFound: Code.NotFound,
  InterceptFailed: Code.FailedPrecondition,
  InterceptTimeout: Code.DeadlineExceeded,
  InterceptGone: Code.Aborted,
  PortTaken: Code.AlreadyExists,
  FilesUnavailable: Code.Unavailable,
  PortInUse: Code.AlreadyExists,
  EnvironmentUnavailable: Code.Unavailable,
  Cancelled: Code.Canceled,
  Internal: Code.Internal,
};
