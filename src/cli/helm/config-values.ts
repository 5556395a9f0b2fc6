import type { ClientConfig } from '../config/config-schema.ts';
import type { ValueTree } from './set-value.ts';

/** What environment and `config.yml` say of images, as Helm values: beneath what is typed. */
export function configValues(
  env: Readonly<Record<string, string | undefined>>,
  { images }: Pick<ClientConfig, 'images'>,
): ValueTree {
  const registry = env['TELEPRESENCE_REGISTRY'] || images.registry;
  const [name, tag] = (env['TELEPRESENCE_AGENT_IMAGE'] || images.agentImage || '').split(':');
  const agent = {
    ...(images.webhookRegistry === undefined ? {} : { registry: images.webhookRegistry }),
    ...(name ? { name } : {}),
    ...(tag ? { tag } : {}),
  };
  return {
    ...(registry === undefined ? {} : { image: { registry } }),
    ...(Object.keys(agent).length === 0 ? {} : { agent: { image: agent } }),
  };
}
