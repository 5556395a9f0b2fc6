import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configValues } from './config-values.ts';

test('images of config.yml, beneath those of the environment', () => {
  const images = { registry: 'reg.example.com:5000/a', agentImage: 'agent:1.0' };
  assert.deepEqual(configValues({}, { images: {} }), {});
  assert.deepEqual(configValues({}, { images }), {
    image: { registry: 'reg.example.com:5000/a' },
    agent: { image: { name: 'agent', tag: '1.0' } },
  });
  const env = { TELEPRESENCE_REGISTRY: 'other', TELEPRESENCE_AGENT_IMAGE: 'mine' };
  assert.deepEqual(configValues(env, { images: { ...images, webhookRegistry: 'third' } }), {
    image: { registry: 'other' },
    agent: { image: { registry: 'third', name: 'mine' } },
  });
});
