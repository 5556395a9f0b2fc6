import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extensionPlace } from './extension-place.ts';

const first = `
clusters:
- name: other
  cluster: { server: 'https://a' }
`;
const second = `
clusters:
- name: mine
  cluster:
    server: https://b
    extensions:
    - name: somebody.else
      extension: 7
    - name: telepresence.io
      extension:
        dns:
          exclude: [a]
`;
const files = [
  { path: '/broken', text: 'a: [' },
  { path: '/first', text: first },
  { path: '/second', text: second },
];
const name = 'telepresence.io';

test('the file that has the cluster, and the line', () => {
  const place = (at: (string | number)[]) => extensionPlace(files, { cluster: 'mine', name, at });
  assert.equal(place(['dns', 'exclude']), 'kubeconfig /second, line 12');
  assert.equal(place(['dns', 'exclude', 0]), 'kubeconfig /second, line 12');
  assert.equal(place([]), 'kubeconfig /second, line 10');
});

test('a cluster that is nowhere', () => {
  assert.equal(extensionPlace(files, { cluster: 'x', name, at: [] }), 'the kubeconfig');
  assert.match(
    extensionPlace(files, { cluster: 'other', name, at: ['dns'] }),
    /^kubeconfig \/first/,
  );
});
