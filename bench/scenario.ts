import type { Server } from "../test/support/server.ts";

/** What a load did in its time. */
export interface LoadResult {
  readonly operations: number;
  readonly seconds: number;
  /** Answers that were no success, and broken connections. */
  readonly errors: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** One side of a pair: who does the work, and how it is loaded. */
export interface Side {
  readonly name: string;
  /** Processes whose CPU counts: the program and its database, never the generator. */
  pids(): Promise<readonly number[]>;
  /** Works for about so many seconds. */
  load(seconds: number): Promise<LoadResult>;
}

/**
 * A figure that must hold. Ratios are ours over theirs, so that more is better: `rate` compares
 * operations per second, `cpu` compares operations per CPU second. `cpuMs` is our CPU per
 * operation, at most; `slowdown` is our time per operation over theirs, at most.
 */
export interface Goal {
  readonly measure: "rate" | "cpu" | "cpuMs" | "slowdown";
  readonly bound: number;
  readonly source: string;
}

export interface Pairing {
  readonly name: string;
  readonly ours: Side;
  readonly theirs: Side;
  readonly goals: readonly Goal[];
  /** Seconds of one measured load; those of the run without it. */
  readonly seconds?: number;
  /** More than the run's, where a side is still compiling after that. */
  readonly warmUpSeconds?: number;
  /** Fewest pairs that can tell; those of the run if they are more. */
  readonly pairs?: number;
}

/** A value that is looked at once, without a pair: idle memory, start time. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bound?: number;
  readonly source?: string;
}

export interface Bench {
  /** A fresh server for this scenario, on a database of its own with full durability. */
  readonly server: Server;
  /** Address of the server's database. */
  readonly databaseUrl: string;
  /** Process id of its postmaster. */
  readonly databasePid: number;
  /** Processes whose CPU is ours: the server's tree and PostgreSQL's. */
  pids(): Promise<readonly number[]>;
  readonly pairs: number;
  readonly seconds: number;
  /** Compares two sides in interleaved pairs and keeps the result. */
  pair(pairing: Pairing): Promise<void>;
  record(figure: Figure): void;
  /** Released at the end of the scenario, last first. */
  readonly stack: AsyncDisposableStack;
  say(text: string): void;
}

/** A file of `bench/scenarios/` exports one as `scenario`. */
export interface Scenario {
  readonly title: string;
  /** Settings of its server beside those of every scenario. */
  readonly env?: Readonly<Record<string, string>>;
  run(bench: Bench): Promise<void>;
}
