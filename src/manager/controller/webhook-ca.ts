import * as v from 'valibot';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { KubeClient } from '#kube/client.ts';
import { resources } from '#kube/resource.ts';
import { watchResources } from '#kube/watch.ts';
import { retry } from '#base/wait.ts';
import { fieldManager } from '#protocol/resources.ts';

const configuration = v.object({
  metadata: v.object({ name: v.string() }),
  webhooks: v.optional(
    v.array(
      v.object({ name: v.string(), clientConfig: v.object({ caBundle: v.optional(v.string()) }) }),
    ),
    [],
  ),
});
type Configuration = v.InferOutput<typeof configuration>;

interface Deps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Keeps the CA in the webhook's configuration right, whoever applies that object anew. */
export async function keepWebhookCa(
  deps: Deps,
  options: { readonly name: string; readonly ca: string; readonly signal: AbortSignal },
): Promise<AsyncDisposable> {
  const { name, signal } = options;
  const wanted = Buffer.from(options.ca).toString('base64');
  const right = async (object: Configuration): Promise<void> => {
    const patch = object.webhooks.flatMap(({ clientConfig }, index) =>
      clientConfig.caBundle === wanted
        ? []
        : [{ op: 'add', path: `/webhooks/${String(index)}/clientConfig/caBundle`, value: wanted }],
    );
    if (patch.length === 0) return;
    await deps.client.patch({
      resource: resources.mutatingWebhookConfigurations,
      name,
      type: 'json',
      patch,
      schema: v.unknown(),
      fieldManager,
      deadlineMs: 10_000,
      signal,
    });
    deps.log.info('webhook trusts us', { configuration: name });
  };
  const watch = watchResources(deps, {
    resource: resources.mutatingWebhookConfigurations,
    fieldSelector: `metadata.name=${name}`,
    schema: configuration,
    signal,
    onChange(delta) {
      if (delta.type === 'synced' || delta.type === 'deleted') return;
      const { object } = delta;
      retry(
        deps,
        {
          firstMs: 200,
          lastMs: 10_000,
          signal,
          onFailure: (reason) => deps.log.error('webhook’s CA not set', { reason }),
        },
        async () => await right(object),
      ).catch(() => {
        // Only the signal ends it.
      });
    },
  });
  await watch.synced(signal);
  if (watch.store.size === 0) deps.log.warning('no webhook configuration', { name });
  return watch;
}
