import { suggest } from '#base/suggest.ts';
import type { Report } from './check-shape.ts';
import { formatPath } from './problem.ts';
import type { Parts } from './parts.ts';
import { orList, quoted } from './words.ts';

/** Reports where the parts of a specification do not go together. */
export function checkParts(parts: Parts, report: Report): void {
  checkConnections(parts, report);
  checkInterceptNames(parts, report);
  checkPrerequisites(parts, report);
  if (parts.connections.length > 1) checkHandlersOfSeveral(parts, report);
}

function checkConnections({ connections, workloads }: Parts, report: Report): void {
  const names = connections.flatMap(({ name }) => name ?? []);
  for (const { name, prefix, path } of workloads) {
    const allowed = orList(names.map((connection) => `${connection}/${name}`));
    const at = [...path, 'name'];
    if (prefix === undefined) {
      if (connections.length < 2) continue;
      report({ path: at, message: 'does not say which connection', allowed });
    } else if (!names.includes(prefix)) {
      const [near] = suggest(prefix, names);
      const guess = near === undefined ? '' : ` (did you mean ${near}/${name}?)`;
      report({
        path: at,
        message: `must reference an existing connection name: there is no ${quoted(prefix)}${guess}`,
        allowed: names.length === 0 ? `${name}: no connection has a name` : allowed,
      });
    }
  }
}

/** As long as the schema allows one that is written. */
const longestName = 64;

function checkInterceptNames({ intercepts, connections }: Parts, report: Report): void {
  const seen = new Map<string, string>();
  const [only] = connections;
  for (const { name, isOwn, prefix = only?.name ?? '', enabled, path } of intercepts) {
    if (!enabled || name === '') continue;
    if (!isOwn && name.length > longestName) {
      const message = `is left out, and ${quoted(name)} in its place has ${name.length} characters`;
      report({ path: [...path, 'name'], message, allowed: `a name, at most ${longestName}` });
    }
    const key = `${prefix}/${name}`;
    const first = seen.get(key);
    if (first === undefined) seen.set(key, formatPath(path));
    else {
      report({
        path: [...path, 'name'],
        message: `${quoted(name)} is the name of two intercepts: ${first} has it, too`,
        allowed: 'a name of its own',
      });
    }
  }
}

/** Nothing would be intercepted while one of them runs. */
function checkPrerequisites({ prerequisites, handlers }: Parts, report: Report): void {
  const endless = new Set(handlers.flatMap(({ name, canEnd }) => (canEnd ? [] : name)));
  for (const { handler, path } of prerequisites) {
    if (!endless.has(handler)) continue;
    report({
      path,
      message: `${quoted(handler)} never ends, since it runs nothing`,
      allowed: 'a handler with script or docker',
    });
  }
}

function checkHandlersOfSeveral({ intercepts, handlers }: Parts, report: Report): void {
  const others = new Set(handlers.flatMap(({ name, isOnLaptop }) => (isOnLaptop ? name : [])));
  for (const { handler, enabled, path } of intercepts) {
    if (!enabled || handler === undefined || !others.has(handler)) continue;
    report({
      path: [...path, 'handler'],
      message: `${quoted(handler)} runs on this machine, which has only one of several connections`,
      allowed: 'with several connections, docker handlers, or external ones with isDocker: true',
    });
  }
}
