import type { CommandResult } from '../../images/command.ts';

export interface SiteRun {
  readonly signal: AbortSignal;
  readonly mayFail?: boolean;
}

/** Where the demo runs: a laptop, and a cluster with the demo application and our images. */
export interface Site {
  readonly description: string;
  /** Flags of `telepresence helm install` that name our images. */
  readonly installFlags: readonly string[];
  /** Flags of telepresence and kubectl that name the cluster. */
  readonly clusterFlags: readonly string[];
  /** Brings cluster, images and the application there; reports its progress itself. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Runs a command on the laptop. */
  laptop(argv: readonly string[], options: SiteRun): Promise<CommandResult>;
  /** The words that start a long-running command on the laptop, and its environment. */
  laptopCommand(argv: readonly string[]): Promise<{
    readonly argv: readonly string[];
    readonly env: Record<string, string | undefined>;
  }>;
  kubectl(argv: readonly string[], options: SiteRun): Promise<CommandResult>;
  /** Removes all that `prepare` brought. */
  cleanUp(signal: AbortSignal): Promise<void>;
}
