import { once } from 'node:events';
import tls from 'node:tls';

import type { Clock } from '#base/clock.ts';
import { describe, toError } from '#base/errors.ts';
import { withDeadline } from '#base/wait.ts';
import { enterAsAgent, type AgentRole } from '#tunnel/agent-handshake.ts';
import { TunnelError } from '#tunnel/errors.ts';

import { AgentError } from '../error.ts';

/** The name in the manager's certificate, wherever it is dialled. */
export const managerServerName = 'traffic-manager';

/** Where the manager is and how it is known. */
export interface ManagerAddress {
  readonly host: string;
  readonly port: number;
  /** PEM certificates; one of them has signed the manager's. */
  readonly ca: readonly string[];
}

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  /** The pod's token, read anew each time: the kubelet renews it. */
  readonly readToken: () => Promise<string>;
}

const dialWithinMs = 5000;

/** Whether the manager has looked at the token and does not accept it, rather than could not look. */
export function isDenial(error: Error): boolean {
  const { cause } = error;
  return cause instanceof TunnelError && (cause.code === 'Unproven' || cause.code === 'Forbidden');
}

/** A connection to the manager for one role, proven both ways and ready for HTTP/2. */
export async function connectToManager(
  deps: Deps,
  options: { readonly manager: ManagerAddress; readonly role: AgentRole },
  signal: AbortSignal,
): Promise<tls.TLSSocket> {
  const { manager, role } = options;
  const what = `traffic-manager at ${manager.host}:${manager.port}`;
  const token = await deps.readToken();
  let socket: tls.TLSSocket;
  try {
    socket = await withDeadline(deps, { ms: dialWithinMs, what, signal }, (within) =>
      dialTls(manager, within),
    );
  } catch (cause) {
    signal.throwIfAborted();
    throw new AgentError('ManagerUnreachable', what, { cause });
  }
  try {
    await enterAsAgent(deps, socket, { role, token: token.trim(), signal });
    return socket;
  } catch (cause) {
    signal.throwIfAborted();
    const refused = cause instanceof TunnelError && cause.code !== 'Lost';
    const code = refused ? 'ManagerRefused' : 'ManagerUnreachable';
    throw new AgentError(code, `${what}: ${describe(cause)}`, { cause });
  }
}

async function dialTls(manager: ManagerAddress, signal: AbortSignal): Promise<tls.TLSSocket> {
  const socket = tls.connect({
    host: manager.host,
    port: manager.port,
    // The pinned CAs alone, never the system's.
    ca: [...manager.ca],
    servername: managerServerName,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  });
  socket.setNoDelay(true);
  // The errors that come later are for whoever has the socket then.
  socket.on('error', () => {});
  const onAbort = (): void => void socket.destroy(toError(signal.reason));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
