import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { agentRequestAnnotation } from '#protocol/resources.ts';
import type { InjectorConfig } from './agent-containers.ts';
import { review } from './review.ts';

const config: InjectorConfig = {
  image: 'i',
  pullPolicy: undefined,
  resources: { requests: {}, limits: {} },
  initResources: { requests: {}, limits: {} },
  securityContext: {},
  excludedEnvironment: [],
  logLevel: 'info',
  manager: { host: 'm', port: 1 },
  ca: [],
};

function request(object: unknown): unknown {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { uid: 'u-1', namespace: 'shop', object },
  };
}

const annotations = { [agentRequestAnnotation]: '{"take":"redirect"}' };

test('answers with a base64 patch under the request’s uid', () => {
  const done = review(
    request({ metadata: { name: 'p', annotations }, spec: { containers: [{ name: 'app' }] } }),
    config,
  );
  assert.equal(done?.outcome, 'injected');
  assert.equal(done.pod, 'p');
  const answer: unknown = done.answer;
  assert.ok(typeof answer === 'object' && answer !== null && 'response' in answer);
  const { response } = answer;
  assert.ok(typeof response === 'object' && response !== null && 'patch' in response);
  const { patch, ...rest } = response;
  assert.deepEqual(rest, { uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
  const operations: unknown = JSON.parse(Buffer.from(String(patch), 'base64').toString());
  assert.ok(Array.isArray(operations));
  assert.deepEqual(
    operations.map((one: { path: string }) => one.path),
    ['/spec/initContainers', '/spec/volumes'],
  );
});

test('allows everything else, with a warning where somebody asked in vain', () => {
  const host = { metadata: { annotations }, spec: { containers: [], hostNetwork: true } };
  assert.deepEqual(review(request(host), config)?.answer, {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid: 'u-1',
      allowed: true,
      warnings: ['telepresence: no traffic-agent, because the pod uses the node’s network'],
    },
  });
  assert.equal(review(request({ spec: 1 }), config)?.outcome, 'NotAPod');
});

test('what is no AdmissionReview has no answer, and noise does not throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (noise) => {
      assert.equal(review(noise, config), undefined);
      assert.ok(review(request(noise), config));
    }),
  );
});
