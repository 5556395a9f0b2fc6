import assert from 'node:assert/strict';
import test from 'node:test';
import { takenFromHelm } from './take-over.ts';

const kind = { apiVersion: 'apps/v1', fieldsType: 'FieldsV1' };
const field = (manager: string, operation: string, fieldsV1: object, subresource = '') => ({
  ...kind,
  manager,
  operation,
  subresource,
  fieldsV1: { ...fieldsV1 },
});

test('what Helm has set becomes what we have applied, together with what we had', () => {
  const others = field('kubelet', 'Update', { 'f:status': {} }, 'status');
  const taken = takenFromHelm(
    [
      field('telepresence', 'Apply', { 'f:spec': { 'f:replicas': {}, 'f:a': { '.': {} } } }),
      field('helm', 'Update', { 'f:spec': { 'f:nodeSelector': {}, 'f:a': { 'f:b': {} } } }),
      others,
    ],
    'telepresence',
  );
  const spec = { 'f:replicas': {}, 'f:nodeSelector': {}, 'f:a': { '.': {}, 'f:b': {} } };
  const ours = field('telepresence', 'Apply', { 'f:spec': spec });
  assert.deepEqual(taken, [others, ours]);
});

test('an object that Helm alone has written becomes ours', () => {
  const fields = { 'f:data': { 'f:key': {} } };
  const ours = field('telepresence', 'Apply', fields);
  assert.deepEqual(takenFromHelm([field('helm', 'Update', fields)], 'telepresence'), [ours]);
});

test('where Helm has set nothing, or a status only, nothing is to be done', () => {
  const ours = field('telepresence', 'Apply', { 'f:spec': {} });
  assert.equal(
    takenFromHelm([ours, field('helm', 'Update', {}, 'status')], 'telepresence'),
    undefined,
  );
  assert.equal(takenFromHelm([], 'telepresence'), undefined);
});
