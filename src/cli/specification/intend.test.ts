import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HandlerSpec } from '#spec/handler-spec.ts';
import { createUserDaemonClient } from '../daemon/user-daemon-client.ts';
import { interceptAsked } from './make-intercepts.ts';
import { intend, mayShare } from './intend.ts';
import { planRun } from './plan.ts';
import {
  interceptSpec,
  scriptHandler,
  specificationOf,
  workloadSpec,
} from './specification.fixture.ts';

const down = (name: string): HandlerSpec => ({ kind: 'none', name, environment: [] });

const connection = {
  name: '',
  daemon: createUserDaemonClient('/nowhere'),
  inDocker: undefined,
  context: 'c',
  namespace: 'n',
};

function intended(changes: { readonly localPort?: number }, ...handlers: readonly HandlerSpec[]) {
  const plan = planRun(
    specificationOf({
      workloads: handlers.map(({ name }) =>
        workloadSpec(name, [interceptSpec({ handler: name, name, ...changes })]),
      ),
      handlers,
    }),
  );
  return plan.intercepts.map((planned) => {
    const one = intend(planned, plan, { connections: [connection], defaultPort: 8080 });
    const { localPort } = one;
    return { spec: planned.spec, localPort, asked: interceptAsked(planned, one).port };
  });
}

test('a service is down although somebody listens where handlers do: its traffic goes elsewhere', () => {
  assert.deepEqual(
    intended({}, down('echo'), scriptHandler('hello')).map(({ asked }) => asked),
    ['1', '8080'],
  );
  assert.equal(intended({ localPort: 9000 }, down('echo'))[0]?.asked, '9000');
});

test('nobody may answer for several services', () => {
  const [a, b, c] = intended({}, down('a'), down('b'), scriptHandler('c'));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  assert.ok(mayShare(a, b));
  assert.ok(!mayShare(a, c) && mayShare(c, c));
  const [own] = intended({ localPort: 1 }, down('a'));
  assert.ok(own !== undefined && !mayShare(own, b));
});
