import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { copyEnvironment, escapeReferences, renameReferences } from './env-copy.ts';
import type { EnvVar } from './pod-shape.ts';

/** What the kubelet makes of a value (third_party/forked/golang/expansion in Kubernetes). */
function expand(value: string, known: (name: string) => string | undefined): string {
  let out = '';
  for (let i = 0; i < value.length; i += 1) {
    const next = value[i + 1];
    if (value[i] !== '$' || next === undefined) {
      out += value[i] ?? '';
    } else if (next === '$') {
      out += '$';
      i += 1;
    } else if (next === '(') {
      const end = value.indexOf(')', i + 2);
      if (end === -1) {
        out += '$(';
        i += 1;
      } else {
        const name = value.slice(i + 2, end);
        out += known(name) ?? `$(${name})`;
        i = end;
      }
    } else {
      out += `$${next}`;
      i += 1;
    }
  }
  return out;
}

/** The environment that the kubelet makes of a list, beside what it knows already. */
function kubelet(env: readonly EnvVar[], known: ReadonlyMap<string, string>): Map<string, string> {
  const result = new Map<string, string>();
  for (const { name, value } of env) {
    result.set(
      name,
      expand(value ?? '', (wanted) => result.get(wanted) ?? known.get(wanted)),
    );
  }
  return result;
}

const name = fc.constantFrom('A', 'B', 'C', 'WEB_SERVICE_HOST');
const value = fc
  .array(
    fc.oneof(
      name.map((one) => `$(${one})`),
      fc.constantFrom('$', '$$', '$(', ')', '(', 'x', '$$(A)', '$x', ''),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const env = fc.array(fc.record({ name, value }), { maxLength: 6 });
const services = new Map([['WEB_SERVICE_HOST', '10.96.0.7']]);

test('the copy resolves to what the app gets', () => {
  fc.assert(
    fc.property(env, (list) => {
      const copy = copyEnvironment({ name: 'app', env: list }, '_P_');
      const theirs = kubelet(list, services);
      const ours = kubelet(copy.env, services);
      assert.deepEqual(
        [...ours],
        [...theirs].map(([key, text]) => [`_P_${key}`, text]),
      );
    }),
  );
});

test('with sources, unplaced references lead through the prefix, as the agent expects', () => {
  const copy = copyEnvironment(
    {
      name: 'app',
      envFrom: [{ configMapRef: { name: 'c' } }, { prefix: 'S_', secretRef: { name: 's' } }],
      env: [{ name: 'URL', value: 'http://$(HOST):$$(HOST)' }],
    },
    '_P_',
  );
  assert.deepEqual(copy.env, [{ name: '_P_URL', value: 'http://$(_P_HOST):$$(HOST)' }]);
  assert.deepEqual(copy.envFrom, [
    { configMapRef: { name: 'c' }, prefix: '_P_' },
    { prefix: '_P_S_', secretRef: { name: 's' } },
  ]);
});

test('resource fields keep meaning their own container, files in volumes are left out', () => {
  const secret = { name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
  const copy = copyEnvironment(
    {
      name: 'app',
      env: [
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        {
          name: 'OTHER',
          valueFrom: { resourceFieldRef: { containerName: 'x', resource: 'limits.cpu' } },
        },
        secret,
        { name: 'F', valueFrom: { fileKeyRef: { volumeName: 'v', path: 'p', key: 'k' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      ],
    },
    '_P_',
  );
  assert.deepEqual(copy.env, [
    {
      name: '_P_CPU',
      valueFrom: { resourceFieldRef: { containerName: 'app', resource: 'limits.cpu' } },
    },
    {
      name: '_P_OTHER',
      valueFrom: { resourceFieldRef: { containerName: 'x', resource: 'limits.cpu' } },
    },
    { ...secret, name: '_P_S' },
    { name: '_P_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
  ]);
});

test('escaped text comes out as it went in; renaming touches names only', () => {
  fc.assert(
    fc.property(fc.oneof(value, fc.string()), (text) => {
      assert.equal(
        expand(escapeReferences(text), () => 'known'),
        text,
      );
      assert.equal(
        renameReferences(text, (one) => one),
        text,
      );
    }),
  );
});
