import type { InterceptSpec, Specification } from '#spec/specification.ts';

/** A field that says something which is not done yet. */
export interface UnheededField {
  /** In the document, such as `workloads`, 0, `intercepts`, 1, `headers`. */
  readonly path: readonly (string | number)[];
  readonly intercept: string;
  /** What would be done about it, and is not. */
  readonly why: string;
  readonly instead: string;
}

const allTraffic = 'write global: true, then all connections of the port are intercepted';
const noHttp = 'requests cannot be told apart yet';

/** The first such field of each intercept in use. */
export function unheededFields({ workloads }: Specification): readonly UnheededField[] {
  return workloads.flatMap(({ intercepts }, at) =>
    intercepts.flatMap((intercept, index) => {
      const found = intercept.enabled ? ofIntercept(intercept) : undefined;
      if (found === undefined) return [];
      const { field, ...words } = found;
      const path = ['workloads', at, 'intercepts', index, field];
      return [{ ...words, path, intercept: intercept.name }];
    }),
  );
}

function ofIntercept(
  intercept: InterceptSpec,
): { readonly field: string; readonly why: string; readonly instead: string } | undefined {
  const { traffic, plaintext, meta, previewURL } = intercept;
  if (traffic.kind === 'http') {
    const { headers, path } = traffic;
    if (path !== undefined) {
      const field = `path${path.match.charAt(0).toUpperCase()}${path.match.slice(1)}`;
      return { field, why: noHttp, instead: `leave it out, and ${allTraffic}` };
    }
    if (headers === 'auto') return { field: 'global', why: noHttp, instead: allTraffic };
    return { field: 'headers', why: noHttp, instead: `leave them out, and ${allTraffic}` };
  }
  if (plaintext) return { field: 'plaintext', why: noHttp, instead: 'leave it out' };
  if (meta.length > 0) {
    return { field: 'meta', why: 'nobody would be told of it yet', instead: 'leave it out' };
  }
  if (previewURL?.enable === true) {
    return {
      field: 'previewURL',
      why: 'there are no preview links',
      instead: 'leave it out, or write previewURL: {enable: false}',
    };
  }
  return undefined;
}
