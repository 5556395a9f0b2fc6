import { RootDaemon } from '#protocol/gen/telepresence_pb.ts';
import { unaryCall } from './connect-call.ts';

/** Calls the root daemon by its unix socket: its version, its log's level, and its end. */
export function createRootDaemonClient(path: string) {
  const { version, quit, setLogLevel } = RootDaemon.method;
  const socket = { path, name: 'root' } as const;
  return {
    version: unaryCall(socket, version),
    quit: unaryCall(socket, quit),
    setLogLevel: unaryCall(socket, setLogLevel),
  };
}
