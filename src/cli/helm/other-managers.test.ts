import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseOverlap, type Manager } from './other-managers.ts';

const ours: Manager = { namespace: 'a', ours: true, image: 'tel2:1', claimed: ['shop'] };
const peer: Manager = {
  namespace: 'ambassador',
  ours: false,
  image: 'tel2:2.20',
  claimed: undefined,
};

test('managers of different namespaces live side by side', () => {
  refuseOverlap([ours], { namespace: 'b', claimed: ['bank'] });
  refuseOverlap([{ ...peer, claimed: ['x'] }], { namespace: 'b', claimed: ['bank'] });
  refuseOverlap([{ ...ours, claimed: undefined }], { namespace: 'a', claimed: undefined });
});

test('an overlap is refused by name, with the next step', () => {
  const refuses = (
    manager: Manager,
    claimed: readonly string[] | undefined,
    words: RegExp,
  ): void => {
    assert.throws(
      () => refuseOverlap([manager], { namespace: 'b', claimed }),
      (error: Error & { hint?: string }) => {
        assert.match(`${error.message}\n${error.hint ?? ''}`, words);
        return true;
      },
    );
  };
  refuses(ours, ['bank', 'shop'], /in namespace a serves namespace shop already\n.*namespaces=/);
  refuses(ours, undefined, /in namespace a serves namespace shop already/);
  refuses(
    { ...ours, claimed: undefined },
    ['x'],
    /serves all namespaces already\n.*uninstall -n a/,
  );
  refuses(
    peer,
    ['x'],
    /another product's .* ambassador \(image tel2:2\.20\) serves all namespaces/,
  );
});

test('a peer in the same namespace is refused', () => {
  assert.throws(() => refuseOverlap([peer], { namespace: 'ambassador', claimed: ['x'] }), {
    message: /holds another product's traffic-manager \(image tel2:2\.20\)/,
  });
});
