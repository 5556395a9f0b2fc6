import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { openDockerCommand } from '#docker/command.ts';
import { helperSockets as socketsOf } from '#docker/helper-socket.ts';
import { laptopId, networkName, removeOurs } from '#docker/ours.ts';
import type { CliContext } from '../context.ts';
import { DaemonCallError } from '../daemon/answer-error.ts';
import { call } from '../daemon/session.ts';
import type { UserDaemonClient } from '../daemon/user-daemon-client.ts';
import { dockerFailure } from './docker-failure.ts';
import {
  createHelperClient,
  findDockerDaemons,
  helperSockets,
  listDockerConnections,
} from './helpers.ts';

/** Ends every connection in a container, and removes what killed helpers have left; whether there was one. */
export async function endAllInDocker(context: CliContext): Promise<boolean> {
  const { live, left } = await helperSockets(context);
  await endEach(live);
  if (left.length > 0) await sweep(context, left);
  return live.length > 0 || left.length > 0;
}

/** Ends the connections in containers that `--use` names, and no other; an error where there is none. */
export async function endNamedInDocker(context: CliContext): Promise<void> {
  const { runtimeDir, platform } = context.places;
  const sockets = socketsOf(runtimeDir, platform);
  const named = await findDockerDaemons(context);
  await endEach(named.map(({ connection }) => sockets.pathOf(connection)));
}

/** One that does not end keeps none of the others. */
async function endEach(paths: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (const path of paths) {
    await endOne(path).catch((error: unknown) => void failures.push(error));
  }
  if (failures.length > 0) throw failures[0];
}

/** Ends the connection of one daemon in a container. */
export async function endDockerConnection(
  context: CliContext,
  { socket }: UserDaemonClient,
): Promise<void> {
  const port = 'port' in socket ? socket.port : undefined;
  const { runtimeDir, platform } = context.places;
  const sockets = socketsOf(runtimeDir, platform);
  const known = await listDockerConnections(context);
  const its = known.filter((one) => one.port === port);
  await endEach(its.map(({ connection }) => sockets.pathOf(connection)));
}

/** It answers when all is gone, and may be gone itself before its answer is. */
async function endOne(path: string): Promise<void> {
  await call(async () => {
    await createHelperClient(path)
      .quit({})
      .catch((error: unknown) => {
        if (!(error instanceof DaemonCallError) || error.code !== 'Lost') throw error;
      });
  });
}

/** A helper that was killed leaves its socket, and its containers. */
async function sweep(context: CliContext, sockets: readonly string[]): Promise<void> {
  const { env, signal, uid, places } = context;
  // Who listens has its containers, whether it answers yet or not.
  const { live } = await helperSockets(context);
  const helpers = socketsOf(places.runtimeDir, places.platform);
  try {
    const docker = await openDockerCommand({ env, platform: process.platform });
    const laptop = laptopId({ hostname: hostname(), uid, runtimeDir: places.runtimeDir });
    const options = { laptop, network: networkName, signal };
    await removeOurs(
      { docker },
      options,
      (connection) => !live.includes(helpers.pathOf(connection)),
    );
  } catch (error) {
    throw dockerFailure(error);
  }
  for (const path of sockets) await rm(path, { force: true });
}
