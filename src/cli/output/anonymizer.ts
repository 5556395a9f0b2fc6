/** Puts other names in the place of pods' and namespaces' names, the same ones throughout. */
export interface Anonymizer {
  /** From now on this name is replaced. */
  hide(kind: 'pod' | 'namespace', name: string): void;
  replace(text: string): string;
}

/** Hides nothing yet. */
export function createAnonymizer(): Anonymizer {
  const names = new Map<string, string>();
  const counts = { pod: 0, namespace: 0 };
  let pattern: RegExp | undefined;
  return {
    hide(kind, name) {
      if (name === '' || names.has(name)) return;
      counts[kind] += 1;
      names.set(name, `${kind}-${String(counts[kind])}`);
      pattern = undefined;
    },
    replace(text) {
      if (names.size === 0) return text;
      pattern ??= new RegExp(
        // The longest first: a pod's name may begin with a namespace's.
        `(?<![A-Za-z0-9])(${[...names.keys()]
          .toSorted((a, b) => b.length - a.length)
          .map((name) => name.replaceAll(/[.\\-]/g, '\\$&'))
          .join('|')})(?![A-Za-z0-9])`,
        'g',
      );
      return text.replaceAll(pattern, (name) => names.get(name) ?? name);
    },
  };
}
