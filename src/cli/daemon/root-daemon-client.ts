import { RootDaemon } from '#protocol/gen/telepresence_pb.ts';
import { unaryCall } from './connect-call.ts';

/** Calls the root daemon by its unix socket: its version, its log's level, and its end. */
export function createRootDaemonClient(socketPath: string) {
  const { version, quit, setLogLevel } = RootDaemon.method;
  return {
    version: unaryCall(socketPath, version),
    quit: unaryCall(socketPath, quit),
    setLogLevel: unaryCall(socketPath, setLogLevel),
  };
}
