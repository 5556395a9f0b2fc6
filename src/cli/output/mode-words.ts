import { modeNamed, type InterceptMode } from '#protocol/intercept-mode.ts';

/** What is said of an intercept, a wiretap, an ingest. */
interface ModeWords {
  /** `the wiretap hello` */
  readonly noun: InterceptMode;
  /** `Wiretap name`, `Wiretaps` */
  readonly title: string;
  /** What has become of the workload. */
  readonly done: string;
}

const words: Readonly<Record<InterceptMode, ModeWords>> = {
  intercept: { noun: 'intercept', title: 'Intercept', done: 'intercepted' },
  wiretap: { noun: 'wiretap', title: 'Wiretap', done: 'wiretapped' },
  ingest: { noun: 'ingest', title: 'Ingest', done: 'ingested' },
};

/** The words for a mode as messages have it; one that we do not know is an intercept's kin. */
export function modeWords({ mode }: { readonly mode: string }): ModeWords {
  return words[modeNamed(mode) ?? 'intercept'];
}
