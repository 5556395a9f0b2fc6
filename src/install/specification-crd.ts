import { group } from '#protocol/resources.ts';
import {
  specificationGroup,
  specificationKind,
  specificationVersions,
} from '#spec/schema/manifest.ts';
import { openApiSchema } from '#spec/schema/open-api.ts';
import { helmMetadata, type InstallContext, type Manifest } from './manifest.ts';

/** How the kind is called in paths. */
export const specificationPlural = 'ispecs';
/** The object that makes the cluster know the kind. */
export const specificationCrdName = `${specificationPlural}.${specificationGroup}`;
/** Says that the kind is of our making: another one's is left as it is. */
export const ownKindAnnotation = `${group}/specification-kind`;

const column = (name: string, jsonPath: string, description: string): object => {
  return { name, type: 'string', jsonPath, description };
};

/** What `kubectl get ispecs` shows of each. */
const columns: readonly object[] = [
  column('Workloads', '.spec.workloads[*].name', 'Whose traffic is intercepted'),
  column('Handlers', '.spec.handlers[*].name', 'What answers, and what is run before'),
];

/**
 * The kind of Intercept Specifications in a cluster. It is no part of a release: it is written once,
 * by `helm install --crds`, and what users have put into it is never removed. It has no short name:
 * `is` is what OpenShift calls its image streams.
 */
export function specificationCrd(context: InstallContext): Manifest {
  const metadata = helmMetadata(context, specificationCrdName, { keep: true });
  // Of the oldest one the shape is another: nothing of it is in use any more.
  const versions = specificationVersions.filter((version) => version !== 'v1alpha1');
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, [ownKindAnnotation]: 'true' },
    },
    spec: {
      group: specificationGroup,
      scope: 'Namespaced',
      names: {
        kind: specificationKind,
        listKind: `${specificationKind}List`,
        plural: specificationPlural,
        singular: 'ispec',
        categories: ['telepresence'],
      },
      versions: versions.map((version) => ({
        name: version,
        served: true,
        storage: version === versions.at(-1),
        additionalPrinterColumns: [
          ...columns,
          {
            name: 'Age',
            type: 'date',
            jsonPath: '.metadata.creationTimestamp',
            description: 'How long it exists',
          },
        ],
        schema: { openAPIV3Schema: openApiSchema() },
      })),
    },
  };
}
