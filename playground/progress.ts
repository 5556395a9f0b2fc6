/** Tells a person what is being done, with the seconds since the start. */
export type Progress = (line: string) => void;

/** Progress lines on standard error: standard output stays for results. */
export function createProgress(deps: {
  readonly now: () => number;
  readonly write: (line: string) => void;
}): Progress {
  const start = deps.now();
  return (line) => {
    const seconds = ((deps.now() - start) / 1000).toFixed(1).padStart(6);
    deps.write(`${seconds} s  ${line}\n`);
  };
}
