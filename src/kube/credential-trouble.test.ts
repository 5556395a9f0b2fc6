import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokenMaterial, refusalOf } from './credential-trouble.ts';

const about = { user: 'ann', nowMs: Date.parse('2026-11-21T12:00:00Z') };

function webToken(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `Bearer ${part({ alg: 'none' })}.${part(claims)}.x`;
}

test('a token that has expired is known by its own claims', () => {
  const says = (authorization: string): string => refusalOf({ authorization }, about);
  const exp = Date.parse('2026-11-20T08:30:00Z') / 1000;
  assert.equal(says(webToken({ exp })), 'the token of user ann expired on 2026-11-20 08:30 UTC');
  assert.equal(says(webToken({ exp: exp + 1e6 })), 'the token of user ann is not valid');
  assert.equal(says('Bearer opaque'), 'the token of user ann is not valid');
  assert.equal(says('Basic YTpi'), 'the password of user ann is not valid');
});

test('without any credentials that is said', () => {
  assert.match(refusalOf({}, about), /has neither certificate nor token/);
  assert.match(
    refusalOf({ cert: 'rubbish' }, about),
    /client certificate of user ann is not valid/,
  );
});

test('what of certificate and key cannot be used is named', () => {
  const none = { ca: undefined, cert: undefined, key: undefined, user: 'ann' };
  assert.match(
    brokenMaterial({ ...none, cert: 'x' }),
    /certificate of user ann .* not a certificate/,
  );
  assert.match(brokenMaterial({ ...none, key: 'x' }), /key of user ann .* not a private key/);
  assert.match(brokenMaterial({ ...none, ca: 'x' }), /authority .* not a certificate/);
});
