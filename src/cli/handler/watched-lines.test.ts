import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  doneLine,
  endedLine,
  readWatched,
  runsLine,
  undoLine,
  undoneLine,
} from './watched-lines.ts';

test('what is under way and what is to be undone, the last one first', () => {
  const step = { kind: 'command', words: ['a\nb', 'é'] };
  const told = [
    runsLine(0, 100),
    runsLine(1, 200),
    undoLine(0, step),
    undoLine(1, 'x'),
    undoLine(2, 'y'),
    endedLine(0),
    undoneLine(1),
  ];
  const state = { isDone: false, pids: [200], steps: ['y', step] };
  assert.deepEqual(readWatched(told.join('')), state);
  assert.equal(readWatched([...told, doneLine].join('')).isDone, true);
  assert.deepEqual(readWatched(''), { isDone: false, pids: [], steps: [] });
});

test('a line that was cut off says nothing', () => {
  const whole = undoLine(0, 'first');
  const cut = undoLine(1, { name: 'second' });
  for (let length = 0; length < cut.length; length += 1) {
    assert.deepEqual(readWatched(whole + cut.slice(0, length)).steps, ['first']);
  }
  assert.equal(readWatched(runsLine(0, 4242).slice(0, -1)).pids.length, 0);
});

test('any step comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (steps) => {
      const told = steps.map((step, at) => undoLine(at, step)).join('');
      const same: unknown = JSON.parse(JSON.stringify(steps.toReversed()));
      assert.deepEqual(readWatched(told).steps, same);
    }),
  );
});

test('a step comes back whatever letters its texts are of', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '\u2028', '\u2029', '\r'),
      (text, odd) => {
        const step = { words: [text + odd + text] };
        assert.deepEqual(readWatched(undoLine(0, step)).steps, [step]);
      },
    ),
  );
});
