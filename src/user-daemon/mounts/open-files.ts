import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { interceptHeader } from '#protocol/flow-headers.ts';
import { containerHeader, filesPath, readOnlyHeader } from '#protocol/sftp/files-request.ts';
import { UserDaemonError } from '../errors.ts';
import type { Tunnels } from '../session/tunnels.ts';

/** Whose files are wanted. */
export interface FilesOf {
  readonly interceptUid: string;
  readonly container: string;
  readonly readOnly: boolean;
}

/** A stream of SFTP to an agent of the intercepted workload; rejects where there is none just now. */
export type OpenFiles = (of: FilesOf, signal: AbortSignal) => Promise<Duplex>;

/** Over one of the outbound sessions, by the relay, which knows the Intercept's pods. */
export function createOpenFiles(tunnels: Pick<Tunnels, 'outbound' | 'pickOutbound'>): OpenFiles {
  return async ({ interceptUid, container, readOnly }, signal) => {
    const session = tunnels.pickOutbound() ?? (await tunnels.outbound.ready(signal));
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': filesPath,
        [interceptHeader]: interceptUid,
        [containerHeader]: container,
        [readOnlyHeader]: readOnly ? '1' : '0',
      },
      { endStream: false },
    );
    const gone = new AbortController();
    stream.once('close', () => gone.abort(new Error('lost before it was answered')));
    try {
      const waiting = AbortSignal.any([signal, gone.signal]);
      const [answer]: { ':status'?: number }[] = await once(stream, 'response', {
        signal: waiting,
      });
      const status = answer?.[':status'] ?? 0;
      if (status === 200) return stream;
      throw new UserDaemonError('FilesUnavailable', reasonOf(status));
    } catch (error) {
      stream.destroy();
      signal.throwIfAborted();
      throw error;
    }
  };
}

function reasonOf(status: number): string {
  switch (status) {
    case 404:
      return 'the traffic-agent has no volumes of this container';
    case 429:
      return 'the traffic-agent serves files to too many already';
    case 503:
      return 'no traffic-agent of the workload is connected';
    default:
      return `the traffic-agent serves no files (status ${String(status)})`;
  }
}
