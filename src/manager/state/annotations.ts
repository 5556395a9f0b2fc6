const prefixes = ['telepresence.io/', 'telepresence.getambassador.io/'] as const;

/** The value of a pod template's annotation in either of the seeds' prefixes. */
export function templateAnnotation(
  annotations: Readonly<Record<string, string>>,
  name: string,
): string | undefined {
  for (const prefix of prefixes) {
    const value = annotations[prefix + name];
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** `http, 53/UDP` as a list. */
export function portList(value: string): string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** `http, 8080/TCP` as identifiers with protocols; a missing protocol is TCP. */
export function containerPortList(
  value: string,
): { readonly port: string; readonly protocol: string }[] {
  return portList(value).map((part) => {
    const slash = part.indexOf('/');
    return slash === -1
      ? { port: part, protocol: 'TCP' }
      : { port: part.slice(0, slash), protocol: part.slice(slash + 1).toUpperCase() };
  });
}
