import { manifestSchema, specificationKind } from '../schema/manifest.ts';
import { type Document, specificationSchema } from '../schema/specification.ts';
import { checkParts } from './check-parts.ts';
import { checkReferences } from './check-references.ts';
import { checkShape, type Reference, type Report } from './check-shape.ts';
import { partsOf } from './parts.ts';
import type { Path } from './problem.ts';
import { isMap } from './value-kind.ts';

/** A document that is right, and where in the text it stands. */
export interface CheckedDocument {
  readonly document: Document;
  /** `spec` in a custom resource, else the text as a whole. */
  readonly root: Path;
  /** The custom resource's name. */
  readonly resourceName: string | undefined;
}

/** Checks a text's value as a specification or its custom resource, and reports all that is wrong. */
export function checkDocument(value: unknown, report: Report): CheckedDocument | undefined {
  let isRight = true;
  const isResource =
    isMap(value) && ['kind', 'apiVersion'].some((key) => Object.hasOwn(value, key));
  const isOther = isResource && value['kind'] !== specificationKind;
  const note: Report = (finding) => {
    isRight = false;
    // What another kind of resource has in its spec is not wrong.
    if (!isOther || finding.path[0] !== 'spec') report(finding);
  };
  const references: Reference[] = [];
  const refer = (reference: Reference): void => {
    references.push(reference);
  };
  const root = isResource ? ['spec'] : [];
  const schema = { report: note, refer };
  const found = isResource
    ? checkShape(manifestSchema, value, schema) && {
        document: value.spec,
        resource: value.metadata,
      }
    : checkShape(specificationSchema, value, schema) && { document: value, resource: undefined };
  // Also where fields are wrong: what is said of the rest is true all the same.
  const parts = partsOf(isResource ? value['spec'] : value);
  checkReferences(references, parts, note);
  checkParts(parts, (finding) => {
    note({ ...finding, path: [...root, ...finding.path] });
  });
  if (found === false || !isRight) return undefined;
  const name = found.resource?.['name'];
  return {
    document: found.document,
    root,
    resourceName: typeof name === 'string' ? name : undefined,
  };
}
