/**
 * What an Intercept wants of a workload: its traffic, a copy of its traffic (which disturbs nobody), or
 * only what a container of it has: environment and volumes.
 */
export const interceptModes = ['intercept', 'wiretap', 'ingest'] as const;
export type InterceptMode = (typeof interceptModes)[number];

/** What an Intercept wants: one that does not say it wants the traffic. */
export function modeOf(said: { readonly mode?: InterceptMode | undefined }): InterceptMode {
  return said.mode ?? 'intercept';
}

/** A mode as it travels in messages, where empty is an intercept; undefined: none that we know. */
export function modeNamed(text: string): InterceptMode | undefined {
  return text === '' ? 'intercept' : interceptModes.find((mode) => mode === text);
}
