import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { errandPath, readErrand, readTokenHeader, tokenHeader } from './helper-port.ts';

test('an errand and a token are read as they were written, and noise is neither', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      assert.deepEqual(readErrand(errandPath({ kind: 'dial', id })), { kind: 'dial', id });
      const token = id.replaceAll('-', '');
      assert.equal(readTokenHeader(tokenHeader(token).authorization), token);
    }),
  );
  assert.deepEqual(readErrand(errandPath({ kind: 'session' })), { kind: 'session' });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (noise) => {
      const errand = readErrand(noise);
      if (errand !== undefined) assert.equal(errandPath(errand), noise);
      const token = readTokenHeader(noise);
      if (token !== undefined) assert.equal(tokenHeader(token).authorization, noise);
    }),
  );
  assert.equal(readErrand('/helper/dial/../session'), undefined);
});
