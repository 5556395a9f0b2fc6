import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import { describe } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { dialApiServer } from '#kube/connect.ts';
import { isKubeError } from '#kube/errors.ts';
import {
  FailureSchema,
  LaptopHelper,
  ReadCredentialsResponseSchema,
} from '#protocol/gen/telepresence_pb.ts';
import { splice } from '#tunnel/splice.ts';
import { openErrand, type DaemonPort } from './upgrade.ts';

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly access: ClusterAccess;
  readonly daemon: DaemonPort;
}

const dialMs = 10_000;

/** What the daemon may ask of the laptop: this user's credentials, and this API server. Nothing else. */
export function lenderRoutes(deps: Deps): (router: ConnectRouter) => void {
  const { access, daemon } = deps;
  return (router) => {
    router.service(LaptopHelper, {
      readCredentials: async () =>
        await telling(deps, 'credentials', async () => {
          const found = await access.lendable?.read();
          return create(ReadCredentialsResponseSchema, {
            cert: found?.cert ?? '',
            key: found?.key ?? '',
            authorization: found?.authorization ?? '',
            refreshAt: found?.refreshAt ?? 0,
          });
        }),
      dial: async ({ id }, { signal }) =>
        await telling(deps, 'dial', async () => {
          const server = await dialApiServer(deps, { deadlineMs: dialMs, signal });
          try {
            const brought = await openErrand(daemon, { kind: 'dial', id }, signal);
            void splice(server, brought).ended;
          } catch (error) {
            server.destroy();
            throw error;
          }
          return {};
        }),
    });
  };
}

async function telling<T>({ log }: Deps, what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    log.info('cannot', { what, reason: describe(error) });
    if (!isKubeError(error)) throw error;
    const { code, message, hint } = error;
    const facts: Record<string, string> = hint === undefined ? {} : { hint };
    const detail = { desc: FailureSchema, value: { code, message, facts } };
    throw new ConnectError(message, Code.Unavailable, undefined, [detail], error);
  }
}
