import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDockerWords } from './docker-words.ts';
import { refuseWhatOutlives, sortNetworkOptions } from './option-rules.ts';
import { everyVersions } from './run-options.ts';

const place = { kind: 'container', network: 'tp-a', connection: 'a' } as const;
const sort = (...words: readonly string[]) =>
  sortNetworkOptions(parseDockerWords([...words, 'img'], everyVersions), place);

test('what a container that joins a network cannot have is published, left out, or refused', () => {
  assert.deepEqual(sort('-p', '80:80', '-e', 'A=b', '--publish=127.0.0.1:53:53/udp'), {
    kept: [{ name: 'env', value: 'A=b' }],
    published: ['80:80', '127.0.0.1:53:53/udp'],
    notes: [],
  });
  assert.match(sort('--expose', '80').notes[0] ?? '', /--expose 80 is left out/);
  assert.deepEqual(sort('--network', 'container:tp-a', '-P=false').kept, []);
  const refused = `--network=host --net=x --link=a --hostname=a --domainname=a --dns=1.1.1.1 --dns-search=a
    --dns-opt=a --add-host=a:1 --mac-address=a --ip=1 --ip6=1 --link-local-ip=1 --net-alias=a -P`;
  for (const word of refused.split(/\s+/)) {
    assert.throws(
      () => sort(word),
      (error: Error & { hint?: string }) =>
        /is not possible: the container has no network of its own/.test(error.message) &&
        (error.hint ?? '') !== '',
      word,
    );
  }
});

test('a container that would outlive its intercept is refused', () => {
  for (const [word, says] of [
    ['-d', /^-d is not possible: .*foreground/],
    ['-itd', /^-d is not possible/],
    ['--rm=false', /^--rm=false is not possible: .*volumes/],
    ['--restart=always', /^--restart always is not possible/],
  ] as const) {
    const words = parseDockerWords([word, 'img'], everyVersions);
    assert.throws(() => refuseWhatOutlives(words), { message: says });
  }
  refuseWhatOutlives(parseDockerWords(['-d=false', '--rm', '--restart=no', 'img'], everyVersions));
});

test('every other option stays as it is, in its place', () => {
  const touched =
    /^(net|link|hostname|domainname|dns|add-host|mac-address|ip|publish|expose|link-local-ip)/;
  const others = [...everyVersions.known].filter((name) => !touched.test(name));
  const option = fc.record({ name: fc.constantFrom(...others), value: fc.string() });
  fc.assert(
    fc.property(fc.array(option), (options) => {
      const words = { options, image: 'img', args: [] };
      assert.deepEqual(sortNetworkOptions(words, place).kept, options);
    }),
  );
});
