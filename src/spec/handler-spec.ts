import type { ComposeSpec } from './compose-spec.ts';

/** A name with a text: a variable, a header, a piece of metadata. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

interface AnyHandler {
  readonly name: string;
  /** Laid over the environment of the intercepted container. */
  readonly environment: readonly NamedValue[];
  /** From SIGTERM to SIGKILL; undefined: not said. */
  readonly stopGraceSeconds?: number | undefined;
}

/** Who answers the traffic of intercepts, or runs as a prerequisite. */
export type HandlerSpec =
  | NoHandler
  | ScriptHandler
  | ExternalHandler
  | ContainerHandler
  | ComposeHandler;

/** Nobody: the service is down. */
export interface NoHandler extends AnyHandler {
  readonly kind: 'none';
}

/** A script on this machine. */
export interface ScriptHandler extends AnyHandler {
  readonly kind: 'script';
  /** One line or several. */
  readonly run: string;
  /** Else the user's own (`$SHELL`). */
  readonly shell?: 'bash' | 'zsh' | 'sh' | undefined;
}

/** Somebody else runs the handler: only what he needs to know is written. */
export interface ExternalHandler extends AnyHandler {
  readonly kind: 'external';
  /** It runs in a container, which sees other addresses and directories than this machine. */
  readonly isDocker: boolean;
  readonly outputFormat: 'json' | 'yaml';
  /** `stdout`, `stderr`, or the path of a file. */
  readonly outputPath: string;
}

/** A container on this machine. */
export interface ContainerHandler extends AnyHandler {
  readonly kind: 'container';
  readonly source: ImageSource;
  /** Published on this machine, beside those of the intercepts. */
  readonly ports: readonly number[];
  /** Flags of `docker run`. */
  readonly options: readonly string[];
  /** In the image's place; undefined: the image's own. */
  readonly command?: string | undefined;
  readonly args: readonly string[];
}

/** Where the image of a container comes from. */
export type ImageSource =
  | { readonly kind: 'image'; readonly image: string }
  | {
      readonly kind: 'build';
      /** A directory, from the specification's own on, or the URL of a repository. */
      readonly context: string;
      /** Further arguments of `docker build`. */
      readonly args: readonly string[];
    };

/** Services of a Compose project on this machine. */
export interface ComposeHandler extends AnyHandler {
  readonly kind: 'compose';
  readonly compose: ComposeSpec;
  /** Published on this machine, beside those of the intercepts. */
  readonly ports: readonly number[];
  /** Flags of `docker compose`. */
  readonly options: readonly string[];
  /** Flags of `docker compose up`. */
  readonly args: readonly string[];
}
