import assert from 'node:assert/strict';
import { checkShape } from '../parse/check-shape.ts';
import { type Document, specificationSchema } from '../schema/specification.ts';

type Handler = Document['handlers'][number];

/** A document whose fields are right, with each name in it replaced by one that there is. */
export function withNames(value: unknown): Document {
  const report = (finding: unknown): void => {
    assert.fail(JSON.stringify(finding));
  };
  assert.ok(checkShape(specificationSchema, value, { report, refer: () => {} }));
  const isSeveral = (value.connections ?? []).length > 1;
  const handlers = isSeveral ? value.handlers.map(inDocker) : value.handlers;
  const handler = (at: number): string => handlers[at % handlers.length]?.name ?? '';
  const connections = (value.connections ?? [value.connection ?? {}]).flatMap(
    ({ name }) => name ?? [],
  );
  const workloads = value.workloads.map((workload, at) => ({
    ...workload,
    name: prefixed(workload.name, connections[at % Math.max(connections.length, 1)]),
    intercepts: workload.intercepts.map((intercept, i) => ({
      ...intercept,
      name: `i${at}-${i}`,
      handler: handler(at + i),
    })),
  }));
  const ending = handlers.filter(({ docker, script }) => (docker ?? script) !== undefined);
  const prerequisites = value.prerequisites?.flatMap((one, at) => {
    const [create, after] = [at, at + 1].map((each) => ending[each % ending.length]?.name);
    if (create === undefined || after === undefined) return [];
    return [{ create, ...(one.delete !== undefined && { delete: after }) }];
  });
  return {
    ...value,
    workloads,
    handlers: handlers.map((one) => withIntents(one, connections[0])),
    ...(prerequisites && { prerequisites }),
  };
}

function prefixed(full: string, connection: string | undefined): string {
  const name = full.slice(full.indexOf('/') + 1);
  return connection === undefined ? name : `${connection}/${name}`;
}

function inDocker({ name, docker = { image: 'echo' } }: Handler): Handler {
  return { name, docker };
}

function withIntents(handler: Handler, connection: string | undefined): Handler {
  const compose = handler.docker?.compose;
  if (compose?.services === undefined) return handler;
  const services = compose.services.map(({ connection: asked, intercepts, ...service }) => ({
    ...service,
    ...(intercepts !== undefined && { intercepts: ['i0-0'] }),
    ...(asked !== undefined && connection !== undefined && { connection }),
  }));
  return { ...handler, docker: { ...handler.docker, compose: { ...compose, services } } };
}
