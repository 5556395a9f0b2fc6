import type { Duplex } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import { ChallengeSchema, ProofSchema } from '#protocol/gen/telepresence_pb.ts';
import { TunnelError } from './errors.ts';
import {
  newNonce,
  signAsLaptop,
  signAsManager,
  verifyLaptop,
  verifyManager,
} from './handshake-proof.ts';
import type { LaptopRole, Occasion } from './handshake-proof.ts';
import { withHandshake } from './handshake.ts';
import type { Signer } from './keys.ts';
import { admit, awaitVerdict, judge } from './verdict.ts';

/** How long either side waits for the whole handshake. */
export const handshakeMs = 10_000;

interface Deps {
  readonly clock: Pick<Clock, 'after'>;
  readonly signer: Signer;
}

interface Options {
  readonly connectionUid: string;
  readonly role: LaptopRole;
  /** Sent with the upgrade request, and used for this one connection only. */
  readonly laptopNonce: Uint8Array;
  readonly signal: AbortSignal;
}

/** The laptop's side, on an upgraded connection: checks the manager, then proves itself. */
export async function enterAsLaptop(
  deps: Deps,
  duplex: Duplex,
  options: Options & {
    /** The manager's public key, from the Connection's status. */
    readonly managerKey: string;
  },
): Promise<void> {
  const { connectionUid, role, laptopNonce, managerKey, signal } = options;
  const what = `handshake with the manager (${role})`;
  await withHandshake(deps, duplex, { ms: handshakeMs, what, signal }, async (frames) => {
    const challenge = await frames.read(ChallengeSchema);
    const occasion: Occasion = {
      laptopNonce,
      managerNonce: challenge.nonce,
      connectionUid,
      role,
    };
    if (!verifyManager(managerKey, occasion, challenge.signature)) {
      throw new TunnelError('Unproven', 'whoever answered is not the manager of this connection');
    }
    const signature = signAsLaptop(deps.signer, occasion, managerKey);
    await frames.write(ProofSchema, { connectionUid, signature });
    await awaitVerdict(frames);
  });
}

/** The relay's side, after its 101: proves the manager, then checks the laptop. */
export async function admitLaptop(
  deps: Deps,
  duplex: Duplex,
  options: Options & {
    /** The laptop's public key, from the Connection's spec. */
    readonly laptopKey: string;
  },
): Promise<void> {
  const { connectionUid, role, laptopNonce, laptopKey, signal } = options;
  const what = `handshake with a laptop (${role})`;
  await withHandshake(deps, duplex, { ms: handshakeMs, what, signal }, async (frames) => {
    const managerNonce = newNonce();
    const occasion: Occasion = { laptopNonce, managerNonce, connectionUid, role };
    const signature = signAsManager(deps.signer, occasion);
    await frames.write(ChallengeSchema, { nonce: managerNonce, signature });
    await judge(frames, async () => {
      const proof = await frames.read(ProofSchema);
      const proven =
        proof.connectionUid === connectionUid &&
        verifyLaptop(laptopKey, occasion, deps.signer.publicKey, proof.signature);
      if (!proven) throw new TunnelError('Unproven', 'the connection’s key did not sign this');
    });
    await admit(frames);
  });
}
