/** What of the flags of `docker compose up` is for making containers, and what for running them. */
export interface UpWords {
  readonly create: readonly string[];
  readonly run: readonly string[];
}

/** Their containers are made by then. */
const creating = new Set(
  '--build --force-recreate --always-recreate-deps --renew-anon-volumes -V --remove-orphans --quiet-pull --quiet-build -y --yes'.split(
    ' ',
  ),
);
const creatingWithValue = new Set(['--pull']);
/** Nothing runs yet. */
const running = new Set(
  '--abort-on-container-exit --abort-on-container-failure --attach-dependencies --no-color --no-log-prefix --timestamps --menu'.split(
    ' ',
  ),
);
const runningWithValue = new Set(['--exit-code-from', '--attach', '--no-attach']);

/** Containers are made before they run: in between their networks are joined. */
export function upWords(args: readonly string[]): UpWords {
  const create: string[] = [];
  const run: string[] = [];
  const left = [...args];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const [flag = ''] = word.split('=');
    const takesNext =
      !word.includes('=') && (creatingWithValue.has(flag) || runningWithValue.has(flag));
    const words = takesNext ? [word, ...left.splice(0, 1)] : [word];
    if (!running.has(flag) && !runningWithValue.has(flag)) create.push(...words);
    if (!creating.has(flag) && !creatingWithValue.has(flag)) run.push(...words);
  }
  return { create, run };
}
