/** Who answers names on this machine, as we found it. */
export interface MachineResolver {
  /** Of /etc/resolv.conf, in its order. */
  readonly nameservers: readonly string[];
  /** What systemd-resolved asks itself, where it runs. */
  readonly resolved: { readonly upstream: readonly string[] } | undefined;
}

/** By which way names come to us, and where those go that are not ours. */
export interface NameWay {
  /** systemd-resolved is told which names are asked at our link. */
  readonly byLink: boolean;
  /** Queries to these are redirected: whoever asks them himself passes systemd-resolved by. */
  readonly redirected: readonly string[];
  readonly upstream: readonly string[];
}

/** systemd-resolved's own addresses: what is asked there it sends to links. */
const stubs: ReadonlySet<string> = new Set(['127.0.0.53', '127.0.0.54']);

/**
 * Where systemd-resolved runs it is told, as its own programs (nss-resolve) never use port 53; and
 * nothing of what it does is redirected. A nameserver that resolv.conf lists beside is redirected as
 * ever. Names that are not ours go where systemd-resolved would have sent them: asked again, it would
 * send them back to us.
 */
export function chooseNameWay({ nameservers, resolved }: MachineResolver): NameWay {
  if (resolved === undefined) {
    return { byLink: false, redirected: nameservers, upstream: nameservers };
  }
  const redirected = nameservers.filter((one) => !stubs.has(one));
  const others = resolved.upstream.filter((one) => !stubs.has(one));
  const upstream = redirected.length > 0 ? redirected : others;
  return { byLink: true, redirected, upstream };
}
