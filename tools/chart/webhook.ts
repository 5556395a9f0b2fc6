import { changed, Go, Items, partOf, When, type Part } from './go-template.ts';
import { context, map, namespaced, value } from './places.ts';

/** The webhook with what the values say of it. */
export function webhookOf(body: Part): Part {
  return hookOf(hookOf(body, 0), 1);
}

/** The first is asked about everybody's pods, the second about the manager's own dry runs. */
function hookOf(body: Part, index: 0 | 1): Part {
  const hook = `webhooks.${String(index)}`;
  const from = 'agentInjector.webhook';
  const both = ['sideEffects', 'reinvocationPolicy'];
  let left = body;
  for (const name of index === 0 ? [...both, 'failurePolicy', 'timeoutSeconds'] : both) {
    left = changed(left, `${hook}.${name}`, () => value(`${from}.${name}`));
  }
  left = changed(left, `${hook}.clientConfig.service.name`, () => value('agentInjector.name'));
  left = changed(left, `${hook}.clientConfig.service.port`, () => value(`${from}.port`));
  left = changed(
    left,
    `${hook}.objectSelector`,
    () => new Go(`include "telepresence.selector" $.Values.${from}.objectSelector`),
  );
  left = changed(left, `${hook}.namespaceSelector.matchLabels`, () =>
    map(`${from}.namespaceSelector.matchLabels`),
  );
  left = changed(left, `${hook}.namespaceSelector.matchExpressions`, (before) => [
    ...(Array.isArray(before) ? before.map(partOf) : []),
    new When(namespaced, {
      key: 'kubernetes.io/metadata.name',
      operator: 'In',
      values: new Go('include "telepresence.claimed" $'),
    }),
    new Items(`$.Values.${from}.namespaceSelector.matchExpressions`),
  ]);
  return changed(left, `${hook}.matchConditions.2.expression`, (before) => withAccount(before));
}

/** A text that names the manager's ServiceAccount, with the name that the values give. */
function withAccount(before: Part | undefined): Go {
  const account = `system:serviceaccount:${context.namespace}:traffic-manager`;
  if (typeof before !== 'string') throw new Error('an expression is a text');
  const format = before.replace(account, 'system:serviceaccount:%s:%s');
  const names = '$.Release.Namespace $.Values.serviceAccount.name';
  return new Go(`printf ${JSON.stringify(format)} ${names} | toJson`);
}

/** The policy about dry runs, with the account that the values name. */
export function dryRunOf(body: Part): Part {
  return changed(body, 'spec.matchConditions.0.expression', withAccount);
}
