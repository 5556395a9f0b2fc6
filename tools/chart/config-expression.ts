import { managerConfigFor } from '#install/manager-config.ts';
import { defaultValues } from '#install/values.ts';
import { changed, Go, partOf, toGo, type Part } from './go-template.ts';
import { claimed, context, namespaced } from './places.ts';

/** The manager's configuration as a Go expression. */
export function configExpression(): string {
  const values = defaultValues();
  const config = managerConfigFor(values, context);
  const from = (path: string): Go => new Go(`$.Values.${path}`);
  const list = (path: string): Go => new Go(`$.Values.${path} | default list`);
  const json = (name: string, argument: string): Go =>
    new Go(`include "telepresence.${name}" ${argument} | fromJson`);
  const changes: readonly (readonly [string, Part])[] = [
    ['logLevel', from('logLevel')],
    ['ports.api', from('apiPort')],
    ['namespaces', new Go(`ternary (${claimed}) nil ${namespaced}`)],
    ['injector.enabled', from('agentInjector.enabled')],
    ['injector.service', from('agentInjector.name')],
    [
      'agent.image',
      new Go(
        'include "telepresence.image" (list $ (include "telepresence.agentImage" $ | fromJson))',
      ),
    ],
    ['agent.logLevel', new Go('$.Values.agent.logLevel | default $.Values.logLevel')],
    ['agent.resources', json('resources', '$.Values.agent.resources')],
    ['agent.initResources', json('resources', '$.Values.agent.initResources')],
    ['agent.securityContext', new Go('$.Values.agent.securityContext | default dict')],
    ['agent.excludedEnvironment', list('intercept.environment.excluded')],
    ['interceptable.kinds', new Go('include "telepresence.kinds" $ | fromJsonArray')],
    ['interceptable.onlyEnabled', new Go('eq $.Values.agentInjector.injectPolicy "WhenEnabled"')],
    ['podCIDRs', list('podCIDRs')],
    ['podCIDRStrategy', from('podCIDRStrategy')],
    [
      'connectionTtlMs',
      new Go('include "telepresence.milliseconds" $.Values.client.connectionTTL | int64'),
    ],
    [
      'interceptGraceMs',
      new Go('include "telepresence.milliseconds" $.Values.intercept.grace | int64'),
    ],
    ['outbound', from('client.outbound')],
    ['routing.alsoProxySubnets', list('client.routing.alsoProxySubnets')],
    ['routing.neverProxySubnets', list('client.routing.neverProxySubnets')],
    ['routing.allowConflictingSubnets', list('client.routing.allowConflictingSubnets')],
    ['routing.autoResolveConflicts', from('client.routing.autoResolveConflicts')],
    ['routing.virtualSubnet', from('client.routing.virtualSubnet')],
    ['dns.excludes', list('client.dns.excludes')],
    ['dns.mappings', list('client.dns.mappings')],
    [
      'dns.lookupTimeoutMs',
      new Go('include "telepresence.milliseconds" $.Values.client.dns.lookupTimeout | int64'),
    ],
    ['dns.excludeSuffixes', list('client.dns.excludeSuffixes')],
    ['dns.includeSuffixes', list('client.dns.includeSuffixes')],
  ];
  const part = changes.reduce((left, [path, to]) => changed(left, path, () => to), partOf(config));
  return toGo(part);
}
