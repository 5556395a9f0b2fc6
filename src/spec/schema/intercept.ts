import { boolean, either, integer, object, optional, required, text } from './build.ts';
import * as forms from './forms.ts';
import { namedValues } from './named-values.ts';

const paths = ['pathPrefix', 'pathEqual', 'pathRegexp', 'pathSuffix'] as const;

const ingress = object({
  host: required(forms.filled, 'Name or address of the ingress'),
  port: required(integer(1, 65_535), 'Its port'),
  tls: optional(boolean, 'Whether that port speaks TLS', { fallback: false }),
  l5Host: optional(forms.filled, 'Name in TLS and in the Host header', { otherwise: '`host`' }),
});

const preview = object({
  enable: optional(boolean, 'Whether there is a link', { fallback: true }),
  banner: optional(boolean, 'Whether its pages have a banner', { fallback: true }),
  ingress: optional(ingress, 'How requests enter the cluster'),
  extraHeaders: optional(
    namedValues(forms.metaName, 'Name of the header', 'Its value'),
    'Headers that are added to each request',
  ),
});

/** An item of a workload's `intercepts`. */
export const interceptSchema = object(
  {
    name: optional(forms.interceptName, 'What the intercept is called', {
      otherwise: "the workload's name, with `-NAMESPACE` where the workload says one",
    }),
    handler: required(forms.namedHandler, 'The handler that answers'),
    enabled: optional(boolean, 'False: it is left out', { fallback: true }),
    global: optional(boolean, 'All traffic of the port; not with headers or a path', {
      otherwise: 'true, unless headers or a path are given',
    }),
    headers: optional(
      namedValues(forms.headerName, 'Name of the header', 'Regular expression of its value'),
      'Only requests with all of these headers',
      { otherwise: 'with `global: false` and no path, a header of its own' },
    ),
    pathPrefix: optional(forms.filled, 'Only requests whose path begins so'),
    pathEqual: optional(forms.filled, 'Only requests of this path'),
    pathRegexp: optional(forms.expression, 'Only requests whose whole path matches'),
    pathSuffix: optional(forms.filled, 'Only requests whose path ends so'),
    service: optional(forms.service, 'Service whose port is intercepted', { otherwise: 'found' }),
    port: optional(
      either(integer(1, 65_535), forms.portName),
      "The Service's port: number or name",
      {
        otherwise: 'found',
      },
    ),
    localPort: optional(
      either(integer(1, 65_535), forms.portDigits),
      'Port on which the handler listens',
      {
        otherwise:
          'as for `intercept`: 8080, or `intercept.defaultPort` of config.yml; one where nobody listens, if the handler is a name only',
      },
    ),
    localAddress: optional(forms.ipv4, 'Address on which it listens', { fallback: '127.0.0.1' }),
    mountPoint: optional(
      either(boolean, text()),
      "Directory or drive where the container's volumes are on this machine; `false`: nowhere; containers have them in any case",
      { otherwise: 'as for `intercept`' },
    ),
    replace: optional(boolean, 'The container does not run meanwhile', { fallback: false }),
    plaintext: optional(boolean, 'Cleartext to the handler, although clients speak TLS', {
      fallback: false,
    }),
    meta: optional(
      namedValues(forms.metaName, 'Name of the fact', 'The fact'),
      'Facts that the API for handlers tells (`/intercept-info`)',
    ),
    previewURL: optional(either(boolean, preview), 'A link of its own to share'),
    banner: optional(boolean, "Another place for the preview's `banner`"),
  },
  [
    { kind: 'atMostOne', of: paths },
    { kind: 'excludes', field: 'global', is: true, others: ['headers', ...paths] },
  ],
);
