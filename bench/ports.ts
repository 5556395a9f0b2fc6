/** What the pod `target` listens on. */
export const targetPorts = { iperf: 5201, http: 8080, echo: 8007, flood: 8009 } as const;

export type TargetPort = keyof typeof targetPorts;

/** All of them. */
export const targetPortNames = [
  'iperf',
  'http',
  'echo',
  'flood',
] as const satisfies readonly TargetPort[];

/** The relay's TLS port. */
export const relayPort = 10250;
