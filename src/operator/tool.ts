import type { Flags, readFlags } from "#app/flags.ts";

export type Options = Parameters<typeof readFlags>[1];

/** A command of `deckle-operator`. */
export interface Tool {
  /** As operators know it; `-` and `_` are the same on the command line. */
  readonly name: string;
  /** What follows the name in the usage. */
  readonly usage: string;
  readonly summary: string;
  /** Lines on its flags and what it does with them. */
  readonly help?: readonly string[];
  /** Undefined: it reads its words itself, which `run` finds in `rest`. */
  readonly options?: Options;
  /** Most words besides flags; more is refused. */
  readonly words?: number;
  /** Resolves to the exit code. */
  run(flags: Flags, terminal: Terminal): Promise<number>;
}

/** Where a tool speaks to, and what interrupts it. */
export interface Terminal {
  /** Aborts with Ctrl-C, or when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A line of the result, to standard output. */
  print(line: string): void;
  /** A line on how it goes, to standard error. */
  note(line: string): void;
}
