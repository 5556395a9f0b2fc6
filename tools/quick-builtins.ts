import type { Plugin } from 'rolldown';

/**
 * Modules of Node that cost much when they are imported: `import` reads every property once, and
 * some make what they are on being read. `node:http` so loads the whole of undici (66 ms of processor
 * time and 16 MB in each process of ours), `node:fs` its streams, `node:util` its abort signals.
 */
const costly = ['http', 'fs', 'util'] as const;
const prefix = '\0quick-builtin:';

/** What an import of one sees instead: all of its properties that are simply there. */
export function quickBuiltins(): Plugin {
  return {
    name: 'quick-builtins',
    resolveId(source) {
      const name = costly.find((one) => source === one || source === `node:${one}`);
      return name === undefined ? undefined : `${prefix}${name}`;
    },
    load(id) {
      if (!id.startsWith(prefix)) return undefined;
      const name = `node:${id.slice(prefix.length)}`;
      const properties = Object.getOwnPropertyDescriptors(process.getBuiltinModule(name));
      const plain = Object.entries(properties)
        .filter(([key, property]) => 'value' in property && /^[A-Za-z_]\w*$/.test(key))
        .map(([key]) => key);
      return `const it = process.getBuiltinModule('${name}');
export default it;
export const { ${plain.join(', ')} } = it;
`;
    },
  };
}
