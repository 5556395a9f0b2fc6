import manifest from '../../package.json' with { type: 'json' };

/** The version of every program, `0.1.0`; shown to people with a `v` before it. */
export const version: string = manifest.version;
