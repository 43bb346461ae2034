import type { Flags } from "#app/flags.ts";
import type { ServerClient } from "../client/server-client.ts";
import type { Options, Terminal } from "../tool.ts";

/** A command of `pulp_benchmark`; modules of a folder of plugins export one as `command`. */
export interface BenchmarkCommand {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly options: Options;
  /** Resolves to the exit code. */
  run(bench: Bench): Promise<number>;
}

export interface Bench {
  readonly client: ServerClient;
  /** Path of `--api-root`, without a slash at its end: `/api`. */
  readonly apiPath: string;
  readonly flags: Flags;
  readonly terminal: Terminal;
}
