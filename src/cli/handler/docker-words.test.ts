import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dockerOptionWords, isOn, lastValue, parseDockerWords } from './docker-words.ts';
import { everyVersions, parseRunHelp } from './run-options.ts';

const parse = (...words: readonly string[]) => parseDockerWords(words, everyVersions);

test('options end where the image begins', () => {
  const words = parse('-it', '--rm', '-eA=b', '-e', 'C=d', '--name=x', 'img', '-d', '--name', 'y');
  assert.equal(words.image, 'img');
  assert.deepEqual(words.args, ['-d', '--name', 'y']);
  assert.deepEqual(dockerOptionWords(words.options), [
    '--interactive=true',
    '--tty=true',
    '--rm=true',
    '--env=A=b',
    '--env=C=d',
    '--name=x',
  ]);
  assert.equal(lastValue(words, 'name'), 'x');
  assert.equal(isOn(words, 'detach'), false);
  assert.equal(isOn(parse('-itdp', '80:80', 'img'), 'detach'), true);
  assert.equal(isOn(parse('-d=false', 'img'), 'detach'), false);
});

test('what Docker understands and does not list is known by its listed name', () => {
  assert.equal(lastValue(parse('--net', 'host', 'img'), 'network'), 'host');
  assert.equal(parse('--', 'img').image, 'img');
  // A switch takes no next word, as with Docker.
  assert.equal(parse('--rm', 'false').image, 'false');
});

test('what is missing or unknown is said', () => {
  assert.throws(() => parse(), /the image of the container is missing/);
  assert.throws(() => parse('-p', '80:80'), /the image of the container is missing/);
  assert.throws(() => parse('-itp'), /flag needs an argument: 'p' in -itp/);
  assert.throws(() => parse('--nmae', 'x', 'img'), /unknown flag: --nmae/);
  assert.throws(() => parse('-Z', 'img'), /unknown shorthand flag: 'Z' in -Z/);
});

const value = fc.string();
const options = fc.array(
  fc.oneof(
    fc.record({
      name: fc.constantFrom(...[...everyVersions.known].filter((name) => !name.startsWith('net-'))),
      value,
    }),
    fc.record({ name: fc.constantFrom(...everyVersions.switches), value: fc.constant('true') }),
  ),
);
const image = fc.string({ minLength: 1 }).filter((text) => !text.startsWith('-'));

test('whatever the values are, the words say the same before and after', () => {
  const spelled = fc.constantFrom('one', 'two');
  fc.assert(
    fc.property(options, spelled, image, fc.array(value), (all, spelling, name, args) => {
      const words = all.flatMap(({ name: option, value: text }) => {
        if (everyVersions.switches.has(option)) return [`--${option}=${text}`];
        return spelling === 'one' ? [`--${option}=${text}`] : [`--${option}`, text];
      });
      const read = parseDockerWords([...words, name, ...args], everyVersions);
      assert.equal(read.image, name);
      assert.deepEqual(read.args, args);
      const again = parseDockerWords(
        [...dockerOptionWords(read.options), name, ...args],
        everyVersions,
      );
      assert.deepEqual(again, read);
    }),
  );
});

test('options come from the help of the installed command', () => {
  const lines = ['Usage:  docker run [OPTIONS] IMAGE [COMMAND] [ARG...]', '', 'Options:'];
  for (const name of everyVersions.known) {
    const type = everyVersions.switches.has(name) ? '' : ' list';
    lines.push(`      --${name}${type}      --rm: words of its help`, '            continued');
  }
  const text = [...lines, '  -n, --new-one string   Later', '  -N, --new-switch   Later'].join(
    '\n',
  );
  const read = parseRunHelp(text);
  assert.deepEqual(
    [...read.switches].toSorted(),
    [...everyVersions.switches, 'new-switch'].toSorted(),
  );
  const words = parseDockerWords(['-n', 'x', '-N', 'img'], read);
  assert.deepEqual(words.options, [
    { name: 'new-one', value: 'x' },
    { name: 'new-switch', value: 'true' },
  ]);
  assert.equal(parseRunHelp('docker: command not understood'), everyVersions);
});
