import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wantsEngine } from './engine.ts';

test('commands that a user types only where Docker runs', () => {
  for (const words of [
    ['docker', 'ps'],
    ['/usr/bin/docker', 'run'],
    ['telepresence', 'connect', '--docker'],
    ['telepresence', 'intercept', 'x', '--docker-run', '--', 'image'],
  ]) {
    assert.ok(wantsEngine(words), words.join(' '));
  }
  for (const words of [
    [],
    ['telepresence', 'connect'],
    ['sh', '-c', 'docker ps'],
    ['kubectl', 'get', 'docker'],
  ]) {
    assert.ok(!wantsEngine(words), words.join(' '));
  }
});
