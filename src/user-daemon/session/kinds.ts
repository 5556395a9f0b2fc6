import { group, version } from '#protocol/resources.ts';
import type { Resource } from '#kube/resource.ts';

/** Our own kinds, as the API server's paths know them. */
export const connections: Resource = {
  group,
  version,
  plural: 'connections',
  kind: 'Connection',
  namespaced: true,
};

export const intercepts: Resource = {
  group,
  version,
  plural: 'intercepts',
  kind: 'Intercept',
  namespaced: true,
};
