import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { servicesThatAre } from './behaviors.ts';
import type { ComposeDocument, Service } from './document.ts';
import { joinedKeys } from './joined-keys.ts';
import { printComposeDocument } from './print-document.ts';
import { parseComposeDocument } from './document.ts';
import { anyProject, type AnyProject } from './project.fixture.ts';
import { rewrite, type Rewritten } from './rewrite.ts';

function holds(what: (project: AnyProject, rewritten: Rewritten) => void): void {
  fc.assert(
    fc.property(anyProject, (project) => {
      const before = structuredClone(project.document);
      const rewritten = rewrite(project.document, project.facts);
      assert.deepEqual(project.document, before, 'what was given is left as it was');
      what(project, rewritten);
    }),
  );
}

const the = (document: ComposeDocument, name: string): Service => {
  const found = document.services[name];
  assert.ok(found, name);
  return found;
};

test('the same again changes nothing more', () => {
  holds(({ facts }, { document }) => {
    assert.deepEqual(rewrite(document, facts).document, document);
  });
});

test('what Compose reads of the copy is the copy', () => {
  holds((_project, { document }) => {
    assert.deepEqual(
      JSON.parse(JSON.stringify(parseComposeDocument(printComposeDocument(document)))),
      JSON.parse(JSON.stringify(document)),
    );
  });
});

test('remote services are gone, and nobody depends on them', () => {
  holds(({ document: before, facts }, { document }) => {
    const remote = servicesThatAre(before, facts.behaviors, 'remote');
    for (const name of remote) assert.equal(document.services[name], undefined);
    for (const { depends_on: on = {} } of Object.values(document.services)) {
      for (const name of remote) assert.ok(!Object.hasOwn(on, name));
    }
    assert.equal(
      Object.keys(document.services).length + remote.length,
      Object.keys(before.services).length,
    );
  });
});

test('one depends on another exactly where a way of removed services led there', () => {
  holds(({ document: before, facts }, { document }) => {
    const remote = new Set(servicesThatAre(before, facts.behaviors, 'remote'));
    const reached = (name: string): Set<string> => {
      const found = new Set<string>();
      const look = (from: string): void => {
        for (const to of Object.keys(the(before, from).depends_on ?? {})) {
          if (remote.has(to)) look(to);
          else found.add(to);
        }
      };
      look(name);
      return found;
    };
    for (const [name, { depends_on: on = {} }] of Object.entries(document.services)) {
      assert.deepEqual(new Set(Object.keys(on)), reached(name));
    }
  });
});

test('a local service keeps all but dependencies, labels and the way to handlers', () => {
  holds(({ document: before, facts }, { document }) => {
    const ours = new Set(['depends_on', 'labels', 'external_links']);
    for (const name of servicesThatAre(before, facts.behaviors, 'local')) {
      const rest = (service: Service): unknown =>
        Object.entries(service).filter(([key]) => !ours.has(key));
      assert.deepEqual(rest(the(document, name)), rest(the(before, name)));
      const { 'telepresence.handler': id, ...labels } = the(document, name).labels ?? {};
      assert.equal(id, 'id');
      assert.deepEqual(labels, the(before, name).labels ?? {});
    }
  });
});

test('without handlers and remote services nothing of any service changes but labels', () => {
  holds(({ document: before, facts }) => {
    const { document } = rewrite(before, { ...facts, behaviors: new Map() });
    for (const [name, service] of Object.entries(before.services)) {
      const { labels: _labels, ...rest } = the(document, name);
      const { labels: _own, ...own } = service;
      assert.deepEqual(rest, own);
    }
    assert.deepEqual(document.volumes, before.volumes);
  });
});

test('a handler has the daemon’s network and no key that it cannot have', () => {
  holds((_project, { document, handlers }) => {
    for (const { service } of handlers) {
      const handler = the(document, service);
      assert.equal(handler.network_mode, 'container:tp-a');
      for (const key of Object.keys(joinedKeys)) assert.ok(!Object.hasOwn(handler, key), key);
    }
  });
});

test('what a handler had of networks, ports and hosts is somewhere else', () => {
  holds(({ document: before }, { handlers }) => {
    for (const { service, moved, inDefault } of handlers) {
      const { networks = {}, ports = [], extra_hosts: hosts = [] } = the(before, service);
      const keys = moved.networks.map(({ key }) => key);
      assert.deepEqual(
        [...keys, ...(inDefault ? ['default'] : [])].toSorted(),
        Object.keys(networks).toSorted(),
      );
      assert.equal(moved.ports.length, ports.length);
      assert.equal(moved.hosts.length, Array.isArray(hosts) ? hosts.length : 0);
    }
  });
});

test('the handler’s environment is said by the specification, then the service, then the pod', () => {
  holds(({ document: before, facts }, { document, handlers }) => {
    const literal = (value: string): string => value.split('$').join('$$');
    for (const { service } of handlers) {
      const own = the(before, service).environment ?? {};
      const pod = facts.places.get(service)?.environment ?? {};
      const merged = the(document, service).environment ?? {};
      for (const name of new Set([own, pod, facts.environment].flatMap(Object.keys))) {
        const said = facts.environment[name];
        const pods = pod[name];
        const meant =
          said !== undefined
            ? literal(said)
            : (own[name] ?? (pods === undefined ? null : literal(pods)));
        assert.equal(merged[name], meant, name);
      }
    }
  });
});

test('each of the pod’s volumes is mounted once, and nothing else there or inside', () => {
  holds(({ facts }, { document, handlers }) => {
    for (const { service } of handlers) {
      const pods = facts.places.get(service)?.volumes ?? [];
      const { volumes = [] } = the(document, service);
      for (const { target, volume, readOnly } of pods) {
        const inside = volumes.filter((one) => `${one.target}/`.startsWith(`${target}/`));
        assert.equal(inside.length, 1);
        assert.equal(inside[0]?.target, target);
        assert.equal(inside[0]?.['read_only'] === true, readOnly);
        const resource = document.volumes[inside[0]?.source ?? ''];
        assert.deepEqual(resource, { name: volume, external: true });
      }
    }
  });
});

test('the user’s own volumes keep their names', () => {
  holds(({ document: before }, { document }) => {
    for (const [key, volume] of Object.entries(before.volumes)) {
      assert.deepEqual(document.volumes[key], volume);
    }
  });
});

test('who was in a network with a handler finds it there by its name', () => {
  holds(({ document: before, facts }, { document, handlers }) => {
    for (const name of servicesThatAre(before, facts.behaviors, 'local')) {
      const isIn = Object.hasOwn(the(before, name).networks ?? {}, 'default');
      const links = the(document, name).external_links ?? [];
      for (const { service, inDefault } of handlers) {
        assert.equal(links.includes(`tp-a:${service}`), isIn && inDefault);
      }
    }
  });
});
