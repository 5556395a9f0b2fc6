import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InterceptSpec } from '#spec/specification.ts';
import {
  containerHandler,
  interceptSpec,
  specificationOf,
  workloadSpec,
} from './specification.fixture.ts';
import { unheededFields } from './unheeded-fields.ts';

const found = (changes: Partial<InterceptSpec>): string | undefined => {
  const second = interceptSpec({ handler: 'h', name: 'second', ...changes });
  const workloads = [
    workloadSpec('one', [interceptSpec({ handler: 'h' })]),
    workloadSpec('two', [interceptSpec({ handler: 'h' }), second]),
  ];
  const handlers = [containerHandler('h')];
  const [field, ...others] = unheededFields(specificationOf({ workloads, handlers }));
  assert.deepEqual(others, []);
  return field && `${field.path.join('.')} ${field.intercept}`;
};

test('what nobody would heed is found where it is', () => {
  assert.equal(found({}), undefined);
  const all = { kind: 'http', headers: 'auto' } as const;
  const named = { kind: 'http', headers: [{ name: 'a', value: 'b' }] } as const;
  const byPath = { kind: 'http', headers: [], path: { match: 'prefix', value: '/' } } as const;
  const preview = { enable: true, banner: true, extraHeaders: [] };
  const at = 'workloads.1.intercepts.1';
  assert.equal(found({ traffic: all }), `${at}.global second`);
  assert.equal(found({ traffic: named }), `${at}.headers second`);
  assert.equal(found({ traffic: byPath }), `${at}.pathPrefix second`);
  assert.equal(found({ plaintext: true }), `${at}.plaintext second`);
  assert.equal(found({ meta: [{ name: 'a', value: 'b' }] }), `${at}.meta second`);
  assert.equal(found({ previewURL: preview }), `${at}.previewURL second`);
  assert.equal(found({ previewURL: { ...preview, enable: false } }), undefined);
  assert.equal(found({ traffic: named, enabled: false }), undefined);
});

test('all of them are found', () => {
  const intercepts = ['a', 'b', 'c'].map((name) =>
    interceptSpec({ handler: 'h', name, plaintext: name !== 'b' }),
  );
  const workloads = [workloadSpec('w', intercepts)];
  const all = unheededFields(specificationOf({ workloads, handlers: [containerHandler('h')] }));
  assert.deepEqual(
    all.map(({ intercept }) => intercept),
    ['a', 'c'],
  );
});
