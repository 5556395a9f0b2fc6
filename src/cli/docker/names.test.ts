import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dockerNames } from './names.ts';

const free = (): boolean => false;

test('names as the guide has them', () => {
  const of = { name: '', context: 'default', namespace: 'default' };
  assert.deepEqual(dockerNames(of, free), {
    connection: 'default-default',
    sandbox: 'tp-default-default-cn',
    daemon: 'tp-default',
  });
  assert.equal(dockerNames(of, (name) => name === 'tp-default').daemon, 'tp-default-default');
  assert.deepEqual(dockerNames({ ...of, name: 'a' }, free), {
    connection: 'a',
    sandbox: 'tp-a',
    daemon: 'tp-a-daemon',
  });
});

test('whatever a context is called, Docker takes the names', () => {
  const arn = 'arn:aws:eks:eu-north-1:123456789012:cluster/team/one';
  const names = dockerNames({ name: '', context: arn, namespace: 'dev' }, free);
  assert.equal(names.daemon, 'tp-arn-aws-eks-eu-north-1-123456789012-cluster-team-one');
  const any = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(any, any, fc.constantFrom('dev', 'a'), (name, context, namespace) => {
      const made = dockerNames({ name, context, namespace }, free);
      for (const one of [made.sandbox, made.daemon]) {
        assert.match(one, /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/);
      }
      assert.notEqual(made.sandbox, made.daemon);
    }),
  );
});
