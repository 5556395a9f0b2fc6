import type { Specification } from '../specification.ts';
import { checkDocument } from './check-document.ts';
import { formatPath, type Finding, type Path, type Place, type Problem } from './problem.ts';
import { readYaml } from './read-yaml.ts';
import { resolve } from './resolve.ts';

/** A specification's text, and where it comes from. */
export interface SpecificationText {
  readonly text: string;
  /** As messages call it. */
  readonly file: string;
  /** What it is called when it does not say so itself: `nameOfFile`. */
  readonly fallbackName: string;
  /**
   * The line of the file that a line of the text comes from, where templates were expanded; `none`
   * where nobody has the text, so that its lines would tell nothing.
   */
  readonly lineInFile?: ((line: number) => number) | 'none' | undefined;
}

/** A specification that is right, or all that is wrong with its text. */
export type ParsedSpecification =
  | {
      readonly specification: Specification;
      /** A message about a part of it that is right in itself, with its place. */
      readonly problemAt: (path: Path, message: string, allowed?: string) => Problem;
    }
  | { readonly problems: readonly Problem[] };

/** Nobody reads more at once. */
const mostProblems = 100;

/** Reads a specification: YAML or JSON, the document itself or its custom resource. Never throws. */
export function parseSpecification(source: SpecificationText): ParsedSpecification {
  const { text, file, lineInFile = (line) => line } = source;
  const problem = (place: Place, said: Omit<Problem, 'file' | 'line' | 'column'>): Problem => ({
    file,
    ...(lineInFile === 'none' ? {} : { line: lineInFile(place.line), column: place.column }),
    ...said,
  });
  const yaml = readYaml(text);
  if ('troubles' in yaml) {
    const problems = yaml.troubles.map(({ line, column, ...said }) =>
      problem({ line, column }, { field: '', ...said }),
    );
    return { problems };
  }
  const placed = ({ path, atKey = false, message, allowed }: Finding): Problem =>
    problem(yaml.placeOf(path, atKey), { field: formatPath(path), message, allowed });
  const findings: Finding[] = [];
  const checked = checkDocument(yaml.value, (finding) => {
    if (findings.length < mostProblems) findings.push(finding);
  });
  if (checked === undefined) {
    const inOrder = findings
      .map((finding) => ({ place: yaml.placeOf(finding.path, finding.atKey ?? false), finding }))
      .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
    return { problems: inOrder.map(({ finding }) => placed(finding)) };
  }
  const { document, root, resourceName = source.fallbackName } = checked;
  return {
    specification: resolve(document, resourceName),
    problemAt: (path, message, allowed) => placed({ path: [...root, ...path], message, allowed }),
  };
}
