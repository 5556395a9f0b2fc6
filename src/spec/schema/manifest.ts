import { choice, free, object, optional, required } from './build.ts';
import { specificationSchema } from './specification.ts';

/** API group of the custom resource. */
export const specificationGroup = 'getambassador.io';
/** Its kind. */
export const specificationKind = 'InterceptSpecification';
/** The versions of it that are known, the newest last. */
export const specificationVersions = ['v1alpha1', 'v1alpha2', 'v1alpha3', 'v1alpha4'] as const;

/** A specification as the custom resource that `kubectl apply` takes. */
export const manifestSchema = object({
  apiVersion: required(
    choice(...specificationVersions.map((version) => `${specificationGroup}/${version}`)),
    'Group and version',
  ),
  kind: required(choice(specificationKind), 'The kind of resource'),
  metadata: optional(
    free,
    "The resource's name, namespace and labels; its name is the specification's, where `spec` has none",
  ),
  spec: required(specificationSchema, 'The specification'),
});
