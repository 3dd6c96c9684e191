import type { OptionSpec } from './args.ts';

export interface CommandContext {
  /** The repository: where the embedded model and the starter problems are. */
  readonly root: string;
  /**
   * Bundles the page that a report is; `bin/afterthought` does it, as it knows when sources change.
   */
  readonly viewer: () => Promise<ViewerBundle>;
}

export interface ViewerBundle {
  /** A JavaScript module without imports. */
  readonly script: string;
  /** CSS. */
  readonly style: string;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly flags: Record<string, OptionSpec>;
  /** Resolves with the exit code; throws a sentence (1) or a UsageError (2). */
  readonly run: (argv: readonly string[], context: CommandContext) => Promise<number>;
}
