import type { EnvSource, EnvVar, PodContainer } from './pod-shape.ts';

/** The environment of one container, as it is laid into the agent's under a prefix. */
export interface EnvCopy {
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvSource[];
}

/**
 * Copies what the pod's spec says of a container's environment, so that the kubelet resolves it once
 * more for the agent. References to the container's other variables follow them under the prefix.
 */
export function copyEnvironment(container: PodContainer, prefix: string): EnvCopy {
  const fromSources = (container.envFrom ?? []).length > 0;
  const earlier = new Set<string>();
  const env: EnvVar[] = [];
  for (const variable of container.env ?? []) {
    // A file in a volume that the agent does not have.
    if (variable.valueFrom?.fileKeyRef !== undefined) continue;
    env.push({
      ...copyValue(variable, container.name, (name) =>
        earlier.has(name) || fromSources ? prefix + name : name,
      ),
      name: prefix + variable.name,
    });
    earlier.add(variable.name);
  }
  const envFrom: EnvSource[] = [];
  for (const source of container.envFrom ?? []) {
    envFrom.push({ ...source, prefix: prefix + (source.prefix ?? '') });
  }
  return { env, envFrom };
}

function copyValue(
  variable: EnvVar,
  containerName: string,
  rename: (name: string) => string,
): EnvVar {
  const { value, valueFrom } = variable;
  if (value !== undefined) return { ...variable, value: renameReferences(value, rename) };
  if (valueFrom?.resourceFieldRef === undefined) return variable;
  // Without a name it means the container that it stands in: that would be the agent.
  const resourceFieldRef = { containerName, ...valueFrom.resourceFieldRef };
  return { ...variable, valueFrom: { ...valueFrom, resourceFieldRef } };
}

/** Renames each `$(NAME)` as Kubernetes reads them: `$$` is a dollar, `$(` without an end is text. */
export function renameReferences(value: string, rename: (name: string) => string): string {
  return value.replaceAll(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? whole : `$(${rename(name)})`,
  );
}

/** `text` as the value of a variable, safe from being read as references. */
export function escapeReferences(text: string): string {
  return text.replaceAll('$', () => '$$');
}
