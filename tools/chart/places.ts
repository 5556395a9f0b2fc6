import { changed, Go, toGo, When, type Part } from './go-template.ts';

/** What `src/install` is given, to be found again in what it writes. */
export const context = { release: '@release@', namespace: '@namespace@', version: '@version@' };
/** Whether the manager is one of some namespaces. */
export const namespaced =
  '(or $.Values.managerRbac.namespaced (gt (len ($.Values.namespaces | default list)) 0))';
/** The namespaces of a namespaced manager. */
export const claimed = 'include "telepresence.claimed" $ | fromJsonArray';

/** What the values say at a path. */
export const value = (path: string): Go => new Go(`$.Values.${path} | toJson`);
/** The same for a map, which may be absent. */
export const map = (path: string): Go => new Go(`$.Values.${path} | default dict | toJson`);
/** The value there where it is neither empty nor 0 nor "". */
export const given = (path: string): When => new When(`$.Values.${path}`, value(path));
/** What the values say laid over what is there. */
export const overlay =
  (path: string) =>
  (before: Part | undefined): Go =>
    new Go(`include "telepresence.overlay" (list ${toGo(before ?? {})} $.Values.${path})`);

/** The body of a cluster-wide object, gone with the manager's namespace. */
export function owned(body: Part): Part {
  return changed(
    body,
    'metadata.ownerReferences',
    () => new When('include "telepresence.owner" $', new Go('include "telepresence.owner" $')),
  );
}
