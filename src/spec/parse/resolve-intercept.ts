import type { Document } from '../schema/specification.ts';
import type { InterceptSpec, PathMatch, PreviewSpec, Traffic } from '../specification.ts';

type Written = Document['workloads'][number]['intercepts'][number];

/** An intercept as it is meant: what can be written in several ways made one. */
export function resolveIntercept(written: Written, defaultName: string): InterceptSpec {
  const { service, port, localPort } = written;
  return {
    name: written.name ?? defaultName,
    handler: written.handler,
    enabled: written.enabled ?? true,
    traffic: trafficOf(written),
    service,
    port: numberOf(port),
    localPort: localPort === undefined ? undefined : Number(localPort),
    localAddress: written.localAddress ?? '127.0.0.1',
    plaintext: written.plaintext ?? false,
    meta: written.meta ?? [],
    mountPoint: mountOf(written.mountPoint),
    replace: written.replace ?? false,
    previewURL: previewOf(written),
  };
}

function trafficOf({ global, headers, ...written }: Written): Traffic {
  const path = pathOf(written);
  if (global ?? (headers === undefined && path === undefined)) return { kind: 'all' };
  // Nothing but `global: false` asks for traffic of one's own, whatever tells it.
  const own = path === undefined ? ('auto' as const) : [];
  return { kind: 'http', headers: headers ?? own, path };
}

function pathOf(written: Omit<Written, 'global' | 'headers'>): PathMatch | undefined {
  const { pathPrefix, pathEqual, pathRegexp, pathSuffix } = written;
  if (pathPrefix !== undefined) return { match: 'prefix', value: pathPrefix };
  if (pathEqual !== undefined) return { match: 'equal', value: pathEqual };
  if (pathRegexp !== undefined) return { match: 'regexp', value: pathRegexp };
  return pathSuffix === undefined ? undefined : { match: 'suffix', value: pathSuffix };
}

/** A number that was written as text is still one. */
function numberOf(port: Written['port']): number | string | undefined {
  return typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port;
}

function mountOf(written: Written['mountPoint']): boolean | string | undefined {
  if (written === 'true' || written === 'false') return written === 'true';
  return written;
}

function previewOf({ previewURL, banner }: Written): PreviewSpec | undefined {
  // A banner alone asks for no link.
  if (previewURL === undefined) return undefined;
  if (typeof previewURL === 'boolean') {
    return { enable: previewURL, banner: banner ?? true, extraHeaders: [] };
  }
  const { ingress } = previewURL;
  return {
    enable: previewURL.enable ?? true,
    banner: previewURL.banner ?? banner ?? true,
    ingress: ingress && { tls: false, l5Host: ingress.host, ...ingress },
    extraHeaders: previewURL.extraHeaders ?? [],
  };
}
