import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meantConnections, tooMany } from './meant-connections.ts';

const of = (connection: string) => ({ connection, context: 'kind', namespace: 'demo' });
const all = [of('a'), of('ab'), of('b.c')];
const meant = (use?: string): readonly string[] =>
  meantConnections(use, all).map(({ connection }) => connection);

test('a whole name is that one, a pattern all that it matches, nothing all', () => {
  assert.deepEqual(meant('a'), ['a']);
  assert.deepEqual(meant('b'), ['ab', 'b.c']);
  assert.deepEqual(meant('b.c'), ['b.c']);
  assert.deepEqual(meant(), ['a', 'ab', 'b.c']);
  assert.deepEqual(meantConnections('a', []), []);
});

test('a name that nobody has, and what is no pattern', () => {
  assert.throws(() => meant('gone'), {
    message: /^no connection is called gone: a \(kind, namespace demo\), ab .*, b\.c /,
    hint: 'say which one is meant: --use NAME',
  });
  assert.throws(() => meant('('), { message: /^invalid argument "\(" for "--use"/ });
});

test('several where one is needed are listed', () => {
  assert.match(tooMany(all).message, /^there are 3 connections: a \(kind, namespace demo\), ab /);
});
