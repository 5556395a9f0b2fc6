import * as v from 'valibot';

import {
  agentConfig,
  agentConfigVariable,
  agentHostIpVariable,
  agentHostIpsVariable,
  agentPodIpVariable,
  agentPodIpsVariable,
  type AgentConfig,
} from '#protocol/agent-config.ts';

import { AgentError } from './error.ts';

/** What an agent is started with. */
export interface AgentStart {
  readonly config: AgentConfig;
  /** The first is the pod's own in Kubernetes' eyes; a second is of the other family. */
  readonly podIps: readonly [string, ...string[]];
  /** The node's addresses, where they were told. */
  readonly hostIps: readonly string[];
}

/** Reads the agent's own variables; the error says which one is wrong. */
export function parseAgentStart(env: Readonly<Record<string, string | undefined>>): AgentStart {
  const text = env[agentConfigVariable];
  const { podIps, hostIps } = ownAddresses(env);
  const [podIp, ...others] = podIps;
  if (text === undefined) throw invalid(`${agentConfigVariable} is not set`);
  if (podIp === undefined) throw invalid(`${agentPodIpVariable} is not set`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`${agentConfigVariable} is not JSON`, { cause });
  }
  const parsed = v.safeParse(agentConfig, json);
  if (!parsed.success) {
    throw invalid(`${agentConfigVariable}: ${v.summarize(parsed.issues)}`);
  }
  return { config: parsed.output, podIps: [podIp, ...others], hostIps };
}

/** The pod's and the node's addresses, as the downward API told them. */
export function ownAddresses(env: Readonly<Record<string, string | undefined>>): {
  readonly podIps: readonly string[];
  readonly hostIps: readonly string[];
} {
  const read = (one: string, all: string): string[] => {
    const texts = [env[one] ?? '', ...(env[all] ?? '').split(',')].map((text) => text.trim());
    return [...new Set(texts.filter((text) => text !== ''))];
  };
  return {
    podIps: read(agentPodIpVariable, agentPodIpsVariable),
    hostIps: read(agentHostIpVariable, agentHostIpsVariable),
  };
}

function invalid(message: string, options?: ErrorOptions): AgentError {
  return new AgentError('ConfigInvalid', message, options);
}
