import tls from 'node:tls';
import type { Clock } from '#base/clock.ts';
import type { ClusterAccess, Credentials, Identity, ServerTrust } from './cluster-access.ts';
import { brokenMaterial, refusalOf } from './credential-trouble.ts';
import { KubeError } from './errors.ts';
import { orAborted } from './or-aborted.ts';

/** An Identity, kept until its credentials have to be asked for again; one asks for all. */
export function createIdentitySource(
  deps: { readonly clock: Pick<Clock, 'now'> },
  options: {
    readonly trust: ServerTrust;
    /** Its name in the kubeconfig. */
    readonly user: string;
    readonly impersonation: Identity['headers'];
    readonly read: () => Promise<Credentials>;
  },
): Pick<ClusterAccess, 'identify' | 'forgetIdentity' | 'whyRefused'> {
  let kept: { readonly identity: Promise<Identity>; refreshAt: number } | undefined;
  let last: Credentials = {};
  // Hundreds of authorities are parsed: once, and only where there is such a proxy.
  let forProxy: tls.SecureContext | undefined;
  const proxyContext = (): tls.SecureContext => {
    const { ca } = options.trust;
    forProxy ??= tls.createSecureContext({
      ca: [...(ca === undefined ? [] : [ca]), ...knownAuthorities()],
    });
    return forProxy;
  };
  let context: { readonly from: Credentials; readonly made: tls.SecureContext } | undefined;

  const refresh = (): NonNullable<typeof kept> => {
    const next = { identity: read(), refreshAt: Number.POSITIVE_INFINITY };
    async function read(): Promise<Identity> {
      const credentials = await options.read();
      last = credentials;
      const { cert, key, authorization, refreshAt } = credentials;
      if (/[^\t\u0020-\u007E\u0080-\u00FF]/.test(authorization ?? '')) {
        throw new KubeError(
          'BadConfig',
          `the token of user ${options.user} cannot be one: it has a line break or another sign that no header has`,
          { hint: 'get the token anew, without what stands around it' },
        );
      }
      if (refreshAt !== undefined) next.refreshAt = refreshAt;
      // Parsing authorities and keys costs more than a handshake: only when they changed.
      if (context === undefined || context.from.cert !== cert || context.from.key !== key) {
        context = { from: credentials, made: secureContext(options, credentials) };
      }
      return {
        secureContext: context.made,
        proxyContext,
        headers: {
          ...(authorization === undefined ? {} : { authorization }),
          ...options.impersonation,
        },
      };
    }
    next.identity.catch(() => {
      if (kept === next) kept = undefined;
    });
    return next;
  };

  return {
    async identify(signal) {
      if (kept === undefined || kept.refreshAt <= deps.clock.now()) kept = refresh();
      return await orAborted(kept.identity, signal);
    },
    forgetIdentity() {
      kept = undefined;
    },
    whyRefused: () => refusalOf(last, { user: options.user, nowMs: deps.clock.now() }),
  };
}

function secureContext(
  { trust, user }: { readonly trust: ServerTrust; readonly user: string },
  { cert, key }: Credentials,
): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ca: trust.ca ?? knownAuthorities(),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch (error) {
    throw new KubeError('BadConfig', brokenMaterial({ ca: trust.ca, cert, key, user }), {
      cause: error,
      hint: 'get the kubeconfig anew',
    });
  }
}

/** The authorities that Node brings and those that the system's administrator trusts. */
function knownAuthorities(): string[] {
  return [...tls.getCACertificates('default'), ...tls.getCACertificates('system')];
}
