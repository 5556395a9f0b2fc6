/**
 * A link's target as a laptop is told it: relative, `..` only at its start, and never more of them
 * than the link is deep. The laptop's own kernel follows it, and must not be led out of the mount;
 * an absolute one means the container's root, which is the mount's.
 */
export function linkText(linkPath: string, target: string): string {
  const names = (path: string): string[] =>
    path.split('/').filter((name) => name !== '' && name !== '.');
  const depth = resolved(names(linkPath)).length - 1;
  const absolute = target.startsWith('/');
  let up = absolute ? depth : 0;
  const down: string[] = [];
  for (const name of names(target)) {
    if (name !== '..') down.push(name);
    else if (down.length > 0) down.pop();
    else if (up < depth && !absolute) up += 1;
  }
  const text = [...Array.from({ length: Math.max(up, 0) }, () => '..'), ...down].join('/');
  return text === '' ? '.' : text;
}

/** A path as the tree's root means it. */
export function canonical(path: string): string {
  return `/${resolved(path.split('/')).join('/')}`;
}

function resolved(names: readonly string[]): string[] {
  const found: string[] = [];
  for (const name of names) {
    if (name === '..') found.pop();
    else if (name !== '' && name !== '.') found.push(name);
  }
  return found;
}
