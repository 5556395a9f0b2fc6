import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { createKubeClient } from '#kube/client.ts';
import { startTestApiServer, statusBody } from '#kube/test-api-server.ts';
import { CliError } from '../../errors.ts';
import { get, noFileEither, type FetchedSpecification } from './fetch-specification.ts';

const base = '/apis/getambassador.io';

/** Asks a cluster that serves one version of the kind, and has these objects in the namespace. */
async function ask(
  name: string,
  served: string | undefined,
  objects: readonly string[],
): Promise<FetchedSpecification> {
  const object = (of: string): object => ({ metadata: { name: of, namespace: 'shop' }, spec: {} });
  const answers = new Map<string, object>([
    [
      `${base}/${served ?? ''}`,
      { resources: [{ name: 'ispecs', kind: 'InterceptSpecification', namespaced: true }] },
    ],
    [
      `${base}/${served ?? ''}/namespaces/shop/ispecs`,
      { metadata: {}, items: objects.map(object) },
    ],
    ...objects.map(
      (of) => [`${base}/${served ?? ''}/namespaces/shop/ispecs/${of}`, object(of)] as const,
    ),
  ]);
  await using server = await startTestApiServer((request, response) => {
    const [path = ''] = (request.url ?? '').split('?');
    const found = served === undefined ? undefined : answers.get(path);
    response.statusCode = found === undefined ? 404 : 200;
    response.end(
      found === undefined ? statusBody(404, 'NotFound', 'not found') : JSON.stringify(found),
    );
  });
  const { access } = server;
  await using client = createKubeClient({ access, clock: systemClock, userAgent: 'test' });
  const signal = AbortSignal.timeout(10_000);
  return await get(client, { name, namespace: 'shop', context: 'dev', signal });
}

test('it is got in the newest version that the cluster serves', async () => {
  for (const served of ['v1alpha4', 'v1alpha2', 'v1alpha1']) {
    const { name, object } = await ask('one', served, ['one', 'two']);
    assert.equal(name, 'one');
    assert.partialDeepStrictEqual(object, { metadata: { name: 'one' } });
  }
});

test('what is missing is said: the kind, or the object, with those that are there', async () => {
  await assert.rejects(ask('one', undefined, []), {
    message:
      /^one: there is no such file, and the cluster of the context dev does not know Intercept Specifications/,
    hint: /helm install --crds/,
  });
  await assert.rejects(ask('echo-spce', 'v1alpha4', ['echo-spec', 'other']), {
    message:
      'echo-spce: there is no such file, and no Intercept Specification of that name in the namespace shop of the context dev',
    hint: 'did you mean echo-spec?',
  });
  await assert.rejects(ask('zzz', 'v1alpha4', ['echo-spec', 'other']), {
    hint: 'it has: echo-spec, other',
  });
  await assert.rejects(ask('zzz', 'v1alpha4', []), { hint: 'it has none' });
});

test('without a kubeconfig the hint names no flag that the command does not have', () => {
  const told = (hint: string): string | undefined => {
    const error = noFileEither('one', new CliError('Usage', 'x', { hint }));
    return error instanceof CliError ? error.hint : undefined;
  };
  assert.equal(told('name one with --kubeconfig or KUBECONFIG'), 'name one with KUBECONFIG');
  assert.equal(
    told('choose one with --context or kubectl config use-context; there is a'),
    'choose one with kubectl config use-context; there is a',
  );
});
