import { CliError } from '../errors.ts';

/** Ports of a container that `-p` is to publish: `80/tcp`, of a range each. */
export function containerPorts(published: string): readonly string[] {
  // `[IP:][HOST PORT:]PORT[/PROTOCOL]`; an IPv6 address has colons, but in brackets.
  const match = /(?:^|:)(\d{1,5})(?:-(\d{1,5}))?(?:\/([a-z]+))?$/i.exec(published);
  const first = Number(match?.[1] ?? 0);
  const last = Number(match?.[2] ?? first);
  const protocol = (match?.[3] ?? 'tcp').toLowerCase();
  if (first < 1 || last > 65_535 || last < first)
    throw bad(published, 'it is [[IP:]PORT:]PORT[/udp]');
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw bad(published, 'only tcp and udp can be published');
  }
  if (last - first >= most) throw bad(published, `at most ${String(most)} ports can be published`);
  return Array.from({ length: last - first + 1 }, (_, at) => `${String(first + at)}/${protocol}`);
}

/** Each is a listener. */
const most = 1000;

function bad(published: string, why: string): CliError {
  return new CliError('Usage', `invalid argument "${published}" for "-p, --publish": ${why}`);
}
