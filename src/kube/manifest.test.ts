import assert from 'node:assert/strict';
import test from 'node:test';
import { isKubeError } from './errors.ts';
import {
  formatManifests,
  inApplyOrder,
  isKept,
  manifestKey,
  parseManifests,
  type Manifest,
} from './manifest.ts';

function manifest(kind: string, apiVersion = 'v1'): Manifest {
  return { apiVersion, kind, metadata: { name: 'a', namespace: 'n' } };
}

test('the order: what others need first, unknown kinds before the webhook, the webhook last', () => {
  const kinds = ['MutatingWebhookConfiguration', 'Thing', 'Deployment', 'Secret', 'Namespace'];
  assert.deepEqual(
    inApplyOrder(kinds.map((kind) => manifest(kind))).map(({ kind }) => kind),
    ['Namespace', 'Secret', 'Deployment', 'Thing', 'MutatingWebhookConfiguration'],
  );
});

test('an object stays the same one when its API gets another version', () => {
  assert.equal(manifestKey(manifest('Thing', 'a/v1')), manifestKey(manifest('Thing', 'a/v2')));
  assert.notEqual(manifestKey(manifest('Thing', 'a/v1')), manifestKey(manifest('Thing', 'b/v1')));
});

test('namespaces, CRDs and what says so are kept', () => {
  const annotations = { 'helm.sh/resource-policy': 'keep' };
  assert.ok(isKept(manifest('Namespace')));
  assert.ok(isKept(manifest('CustomResourceDefinition')));
  assert.ok(isKept({ ...manifest('Secret'), metadata: { name: 'ca', annotations } }));
  assert.ok(!isKept(manifest('Secret')));
});

test('manifests survive being written down; what is none is refused', () => {
  const text = 'a: "yes"\n---\n#!/bin/sh &anchor *alias\ttab';
  const written = [{ ...manifest('ConfigMap'), data: { text, number: '0123' } }, manifest('Pod')];
  assert.deepEqual(parseManifests(formatManifests(written)), written);
  assert.deepEqual(parseManifests('---\n# nothing\n---\n'), []);
  for (const bad of ['a: [', 'kind: Pod', '- a']) {
    assert.throws(
      () => parseManifests(bad),
      (error) => isKubeError(error, 'BadObject'),
    );
  }
});
