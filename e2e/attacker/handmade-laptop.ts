// Runs on the laptop: what a laptop does to get into a tunnel, one step at a time.
import type { Duplex } from 'node:stream';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import type { ClusterAccess } from '#kube/cluster-access.ts';
import { loadClusterAccess } from '#kube/kubeconfig.ts';
import { openServiceUpgrade } from '#kube/upgrade.ts';
import type { ObjectSchema } from '#kube/objects.ts';
import type { Resource } from '#kube/resource.ts';
import { ChallengeSchema, ProofSchema, VerdictSchema } from '#protocol/gen/telepresence_pb.ts';
import type { Challenge } from '#protocol/gen/telepresence_pb.ts';
import { connection, group, version, type Connection } from '#protocol/resources.ts';
import { openClientSession, type ClientSession } from '#tunnel/client-session.ts';
import { encodeNonce, newNonce, nonceHeader } from '#tunnel/handshake-proof.ts';
import { withHandshake } from '#tunnel/handshake.ts';
import { TunnelError } from '#tunnel/errors.ts';
import type { Signer } from '#tunnel/keys.ts';
import { enterAsLaptop } from '#tunnel/laptop-handshake.ts';
import { serveSession, type ServerSession } from '#tunnel/server-session.ts';
import { connectionManifest } from '../objects.ts';

export const signal: AbortSignal = AbortSignal.timeout(120_000);
export const clock = systemClock;
export const connections: Resource = {
  group,
  version,
  plural: 'connections',
  kind: 'Connection',
  namespaced: true,
};
export const intercepts: Resource = {
  ...connections,
  plural: 'intercepts',
  kind: 'Intercept',
};

/** Somebody with rights of their own, and at most one Connection. */
export interface Person extends AsyncDisposable {
  readonly user: string;
  readonly access: ClusterAccess;
  readonly client: KubeClient;
}

/** The person of a kubeconfig. */
export async function person(user: string, kubeconfig: string): Promise<Person> {
  const access = await loadClusterAccess(
    { clock },
    { flags: { kubeconfig }, env: process.env, home: '/nowhere' },
  );
  const client = createKubeClient({ access, clock, userAgent: 'telepresence-e2e-attacker' });
  return { user, access, client, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/** Writes a Connection and waits until the manager has put its key there. */
export async function createConnection(
  who: Person,
  options: {
    readonly namespace: string;
    readonly name: string;
    readonly signer: Signer;
    readonly via?: readonly string[];
  },
): Promise<Connection & { readonly managerKey: string }> {
  const { namespace, name } = options;
  const object = connectionManifest({ ...options, user: who.user });
  await who.client.create({ resource: connections, namespace, object, schema: connection, signal });
  return await until(`the manager's key in ${name}`, async () => {
    const found = await get(who, { resource: connections, namespace, name, schema: connection });
    const managerKey = found?.status.managerKey;
    return found === undefined || managerKey === undefined ? undefined : { ...found, managerKey };
  });
}

/** An object, or undefined. */
export async function get<T>(
  who: Person,
  options: { resource: Resource; namespace: string; name: string; schema: ObjectSchema<T> },
): Promise<T | undefined> {
  return await who.client.find({ ...options, signal });
}

/** Asks again until there is something to see, for 20 s. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = clock.monotonic() + 20_000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (clock.monotonic() > end) throw new Error(`${what}: not within 20 s`);
    await clock.sleep(100, signal);
  }
}

/** The connection after the 101, before a word is said, and the nonce it was asked for with. */
export async function knock(
  who: Person,
  path: string,
  nonce: Uint8Array = newNonce(),
): Promise<{ readonly duplex: Duplex; readonly nonce: Uint8Array }> {
  const duplex = await openServiceUpgrade(
    { access: who.access, clock },
    {
      target: { namespace: 'ambassador', service: 'traffic-manager', portName: 'api' },
      path,
      headers: { [nonceHeader]: encodeNonce(nonce) },
      deadlineMs: 5000,
      signal,
    },
  );
  duplex.on('error', () => {});
  return { duplex, nonce };
}

/** What somebody answers to the manager's challenge. */
export interface Answer {
  readonly connectionUid: string;
  readonly signature: Uint8Array;
}

/** Knocks, gives the answer that `answer` makes, and returns the verdict's code. */
export async function attempt(
  who: Person,
  path: string,
  answer: (challenge: Challenge, nonce: Uint8Array) => Answer,
  nonce?: Uint8Array,
): Promise<string> {
  const { duplex, nonce: used } = await knock(who, path, nonce);
  try {
    return await withHandshake(
      { clock },
      duplex,
      { ms: 10_000, what: 'verdict', signal },
      async (frames) => {
        const challenge = await frames.read(ChallengeSchema);
        await frames.write(ProofSchema, answer(challenge, used));
        return (await frames.read(VerdictSchema)).code;
      },
    );
  } finally {
    duplex.destroy();
  }
}

/** A session of a laptop that proves itself as it should. */
export async function enter(
  who: Person,
  of: Connection & { readonly managerKey: string },
  options: { readonly role: 'control' | 'outbound'; readonly signer: Signer },
): Promise<ClientSession> {
  const { name, namespace, uid } = of.metadata;
  const { role, signer } = options;
  const { duplex, nonce } = await knock(who, `/tunnel/${namespace}/${name}/${role}`);
  await enterAsLaptop({ clock, signer }, duplex, {
    connectionUid: uid,
    role,
    laptopNonce: nonce,
    managerKey: of.managerKey,
    signal,
  });
  return openClientSession(duplex, { log: silentLogger, clock });
}

/** A laptop, as far as the manager must see it for anything to be brought to it. */
export async function enterReverse(
  who: Person,
  of: Connection & { readonly managerKey: string },
  signer: Signer,
): Promise<ServerSession> {
  const { name, namespace, uid } = of.metadata;
  const { duplex, nonce } = await knock(who, `/tunnel/${namespace}/${name}/reverse`);
  await enterAsLaptop({ clock, signer }, duplex, {
    connectionUid: uid,
    role: 'reverse',
    laptopNonce: nonce,
    managerKey: of.managerKey,
    signal,
  });
  const onFlow = (flow: { refuse(why: 'Refused'): void }): void => flow.refuse('Refused');
  return serveSession(duplex, { clock, log: silentLogger, onFlow });
}

/** What comes of a flow: `open`, or why not. */
export async function dialOutcome(
  session: ClientSession,
  authority: string,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  try {
    const giveUp = AbortSignal.any([signal, AbortSignal.timeout(3000)]);
    const { stream } = await session.openFlow({ authority, headers, signal: giveUp });
    stream.destroy();
    return 'open';
  } catch (error) {
    return error instanceof TunnelError ? error.code : String(error);
  }
}
