import { clusterPart } from '#install/cluster-part.ts';
import { managerPart } from '#install/manager-part.ts';
import { managerName, type Manifest } from '#install/manifest.ts';
import { servedAnnotation } from '#protocol/resources.ts';
import { defaultValues } from '#install/values.ts';
import { deploymentOf } from './deployment.ts';
import type { ChartDocument } from './document.ts';
import { changed, Go, partOf, toGo, When, type Part } from './go-template.ts';
import { claimed, context, namespaced, owned, value } from './places.ts';
import { clientDocuments, managerRightsDocuments } from './rights.ts';
import { dryRunOf, webhookOf } from './webhook.ts';

const rightsKinds = /Role|ServiceAccount/;

/** Every document of the chart. */
export function chartDocuments(): readonly ChartDocument[] {
  const values = defaultValues();
  return [
    ...clusterPart(context).map(shared),
    ...managerPart(values, context)
      .filter((manifest) => !isAboutRights(manifest))
      .map(plain),
    ...managerRightsDocuments(values),
    ...clientDocuments(values),
  ];
}

function shared(manifest: Manifest): ChartDocument {
  const { apiVersion, kind, metadata } = manifest;
  const ours = `include "telepresence.isOurs" (list "${apiVersion}" "${kind}" "${metadata.name}" $)`;
  return document(manifest, [ours]);
}

function document(manifest: Manifest, conditions: readonly string[] = []): ChartDocument {
  const rights = rightsKinds.test(manifest.kind);
  return {
    name: `${manifest.kind} ${manifest.metadata.name}`,
    conditions: [...(rights ? [] : ['not $.Values.rbac.only']), ...conditions],
    body: partOf(manifest),
  };
}

/** Those come in two forms, for all namespaces and for some. */
function isAboutRights({ kind, metadata }: Manifest): boolean {
  return /^(Cluster)?Role(Binding)?$/.test(kind) && metadata.name !== 'traffic-manager-tunnel';
}

function plain(manifest: Manifest): ChartDocument {
  const one = document(manifest);
  const injector = '$.Values.agentInjector.enabled';
  switch (manifest.kind) {
    case 'ServiceAccount':
      return { ...one, conditions: ['$.Values.serviceAccount.create'], body: accountOf(one.body) };
    case 'Deployment':
      return { ...one, body: deploymentOf(one.body) };
    case 'Service': {
      const body = serviceOf(manifest, one.body);
      if (manifest.metadata.name !== 'agent-injector') return { ...one, body };
      return { ...one, conditions: [...one.conditions, injector], body };
    }
    case 'MutatingWebhookConfiguration':
      return {
        ...one,
        conditions: [...one.conditions, injector],
        body: owned(webhookOf(one.body)),
      };
    case 'ValidatingAdmissionPolicy':
      return { ...one, body: owned(dryRunOf(one.body)) };
    case 'ValidatingAdmissionPolicyBinding':
      return { ...one, body: owned(one.body) };
    default:
      return one;
  }
}

function accountOf(body: Part): Part {
  const named = changed(body, 'metadata.name', () => value('serviceAccount.name'));
  return changed(
    named,
    'metadata.annotations',
    (before) =>
      new Go(
        `include "telepresence.overlay" (list ($.Values.serviceAccount.annotations | default dict) ${toGo(before ?? {})})`,
      ),
  );
}

function serviceOf(manifest: Manifest, body: Part): Part {
  switch (manifest.metadata.name) {
    case managerName: {
      const served = new When(namespaced, new Go(`join "," (${claimed}) | toJson`));
      const told = changed(body, 'metadata.annotations', () => ({
        ...manifest.metadata.annotations,
        [servedAnnotation]: served,
      }));
      return changed(told, 'spec.ports.0.port', () => value('apiPort'));
    }
    case 'agent-injector': {
      const named = changed(body, 'metadata.name', () => value('agentInjector.name'));
      return changed(named, 'spec.ports.0.port', () => value('agentInjector.webhook.port'));
    }
    default:
      return body;
  }
}
