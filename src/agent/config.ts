import * as v from 'valibot';

import {
  agentConfig,
  agentConfigVariable,
  agentHostIpVariable,
  agentPodIpVariable,
  type AgentConfig,
} from '#protocol/agent-config.ts';

import { AgentError } from './error.ts';

/** What an agent is started with. */
export interface AgentStart {
  readonly config: AgentConfig;
  readonly podIp: string;
  /** The node's address, where it was told. */
  readonly hostIp: string | undefined;
}

/** Reads the agent's own variables; the error says which one is wrong. */
export function parseAgentStart(env: Readonly<Record<string, string | undefined>>): AgentStart {
  const text = env[agentConfigVariable];
  const podIp = env[agentPodIpVariable];
  if (text === undefined) throw invalid(`${agentConfigVariable} is not set`);
  if (podIp === undefined || podIp === '') throw invalid(`${agentPodIpVariable} is not set`);
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
  return { config: parsed.output, podIp, hostIp: env[agentHostIpVariable] };
}

function invalid(message: string, options?: ErrorOptions): AgentError {
  return new AgentError('ConfigInvalid', message, options);
}
