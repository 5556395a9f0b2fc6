import * as v from 'valibot';
import { logLevels } from '#base/log.ts';
import {
  dnsEntries,
  routingEntries,
  timeoutEntries,
  virtualClusterEntries,
} from '#protocol/client-settings.ts';
import { port, texts } from '#protocol/setting-shapes.ts';

const level = v.pipe(
  v.string(),
  v.transform((typed) => (typed.toLowerCase() === 'warn' ? 'warning' : typed.toLowerCase())),
  v.picklist(logLevels, `one of ${logLevels.join(', ')}`),
);
const imageName = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/,
    'an image such as tel2:1.0',
  ),
);
const registry = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._/:-]*$/, 'a registry such as ghcr.io/telepresenceio'),
);

/** What of `config.yml` is heeded. */
export const configSchema = v.object({
  cluster: v.optional(
    v.object({
      defaultManagerNamespace: v.optional(v.string(), ''),
      mappedNamespaces: v.optional(texts, []),
      ...virtualClusterEntries,
    }),
    {},
  ),
  intercept: v.optional(v.object({ defaultPort: v.optional(port, 8080) }), {}),
  logLevels: v.optional(
    v.object({ userDaemon: v.optional(level, 'info'), rootDaemon: v.optional(level, 'info') }),
    {},
  ),
  images: v.optional(
    v.object({
      registry: v.optional(registry),
      agentImage: v.optional(imageName),
      webhookRegistry: v.optional(registry),
    }),
    {},
  ),
  dns: v.optional(v.object(dnsEntries), {}),
  timeouts: v.optional(v.object(timeoutEntries), {}),
  routing: v.optional(v.object(routingEntries), {}),
});

/** What `config.yml` says, with the default where it says nothing. */
export type ClientConfig = v.InferOutput<typeof configSchema>;
