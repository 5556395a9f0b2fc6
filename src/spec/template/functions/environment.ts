import { toBytes, toText } from '../byte-text.ts';
import type { ByteText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction, World } from '../execute/function.ts';
import { fault } from '../template-error.ts';

function variable(name: ByteText, { environment }: World): ByteText {
  return toBytes(environment?.get(toText(name)) ?? '');
}

function allowed(name: string, world: World): void {
  if (world.environment !== undefined) return;
  throw fault(
    `${name} is not available in a specification that comes from the cluster, because it would read the environment of this machine`,
  );
}

/** Go's os.ExpandEnv: `$NAME` and `${NAME}`. */
function expand(bytes: ByteText, world: World): ByteText {
  const pattern = /\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*|[*#$@!?0-9-])|\{)?/gs;
  return bytes.replaceAll(
    pattern,
    (whole, braced: string | undefined, bare: string | undefined) => {
      if (braced === undefined && bare === undefined) return whole === '$' ? '$' : '';
      const made = variable(braced ?? bare ?? '', world);
      world.budget.make(made.length);
      return made;
    },
  );
}

/** Sprig's functions on the environment, which is handed in. */
export const environmentFunctions: Readonly<Record<string, TemplateFunction>> = {
  env: fn1('string', (name, world) => {
    allowed('env', world);
    return variable(name, world);
  }),
  expandenv: fn1('string', (bytes, world) => {
    allowed('expandenv', world);
    return expand(bytes, world);
  }),
};
