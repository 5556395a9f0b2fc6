import { posix } from 'node:path';
import type { ByteText } from '../byte-text.ts';
import { fn1 } from '../execute/function.ts';
import type { TemplateFunction } from '../execute/function.ts';

function clean(path: ByteText): ByteText {
  const normal = posix.normalize(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

function base(path: ByteText): ByteText {
  if (path === '') return '.';
  const bare = path.replace(/\/+$/, '');
  return bare === '' ? '/' : bare.slice(bare.lastIndexOf('/') + 1);
}

function dir(path: ByteText): ByteText {
  return clean(path.slice(0, path.lastIndexOf('/') + 1));
}

function ext(path: ByteText): ByteText {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

const functions = {
  base: fn1('string', base),
  clean: fn1('string', clean),
  dir: fn1('string', dir),
  ext: fn1('string', ext),
  isAbs: fn1('string', (path) => path.startsWith('/')),
};

/** Sprig's paths. Those of the system are the same here: paths with slashes. */
export const pathFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...functions,
  osBase: functions.base,
  osClean: functions.clean,
  osDir: functions.dir,
  osExt: functions.ext,
  osIsAbs: functions.isAbs,
};
