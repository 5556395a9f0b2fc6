import type { Service } from './document.ts';
import { ComposeError } from './errors.ts';

/** A port that a handler would publish itself, if it had a network of its own. */
export interface PublishedPort {
  /** As `docker run -p` takes it. */
  readonly publish: string;
  /** Of the container: `8080/tcp`. */
  readonly target: string;
}

/** What `ports` of a service say. */
export function publishedPorts(service: Service): readonly PublishedPort[] {
  return (service.ports ?? []).map(({ target, published, host_ip: ip = '', protocol = 'tcp' }) => {
    const to = `${String(target)}/${protocol}`;
    const host = ip.includes(':') ? `[${ip}]` : ip;
    const from = published === undefined || published === '' ? '' : String(published);
    const before = host === '' && from === '' ? '' : host === '' ? `${from}:` : `${host}:${from}:`;
    return { publish: `${before}${to}`, target: to };
  });
}

/** Containers of one network cannot listen on one port; their own complaint would come late. */
export function refuseSamePort(
  handlers: readonly {
    readonly service: string;
    readonly sandbox: string;
    readonly targets: readonly string[];
  }[],
): void {
  const owners = new Map<string, string>();
  for (const { service, sandbox, targets } of handlers) {
    for (const target of new Set(targets)) {
      const key = `${sandbox} ${target}`;
      const other = owners.get(key);
      if (other !== undefined && other !== service) {
        throw new ComposeError(
          'NotPossible',
          `the services ${other} and ${service} both have port ${target}, and as handlers they share one network`,
          { hint: 'have one of them listen on another port, or make it local' },
        );
      }
      owners.set(key, service);
    }
  }
}
