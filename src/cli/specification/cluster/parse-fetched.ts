import { stringify } from 'yaml';
import * as v from 'valibot';
import type { CliContext } from '../../context.ts';
import { parseSpecification, type ParsedSpecification } from '#spec/parse/parse-specification.ts';
import { Budget, specificationLimits } from '#spec/template/budget.ts';
import { templateExpander } from '../parse-expanded.ts';
import { expandObject } from './expand-object.ts';
import type { FetchedSpecification } from './fetch-specification.ts';

const fetchedShape = v.looseObject({ apiVersion: v.string(), kind: v.string(), spec: v.unknown() });

/** Reads what came from a cluster; its templates learn nothing of this machine but who runs it. */
export function parseFetched(
  context: Pick<CliContext, 'env' | 'clock'>,
  { name, namespace, object }: FetchedSpecification,
): { readonly file: string; readonly text: string; readonly parsed: ParsedSpecification } {
  const file = `ispec ${name} in ${namespace}`;
  const { apiVersion, kind, spec } = v.parse(fetchedShape, object);
  const expand = templateExpander(context, {
    trusted: false,
    budget: new Budget(specificationLimits),
  });
  const expanded = expandObject({ apiVersion, kind, metadata: { name }, spec }, (text) => {
    const made = expand(text);
    return made.kind === 'expanded' ? made : { trouble: made.message };
  });
  if (!('value' in expanded)) {
    const message = `template: ${expanded.message}`;
    const problem = { file, field: expanded.field, message };
    return { file, text: '', parsed: { problems: [problem] } };
  }
  const text = stringify(expanded.value);
  // The text is ours: what the person has is the object.
  const source = { text, file, fallbackName: name, lineInFile: 'none' } as const;
  return { file, text, parsed: parseSpecification(source) };
}
