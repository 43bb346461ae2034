import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "#base/json.ts";
import { type Ctx, type Db, sql } from "#sdk";
import { PATTERNS, type Pattern, type PatternName } from "./patterns.ts";

export interface Hold {
  readonly name: PatternName;
  readonly durationMs: number;
  /** Between two questions of an active pattern. */
  readonly beatMs: number;
  readonly signal: AbortSignal;
}

/**
 * Uses one real connection in the way that is named, for so long.
 *
 * @returns whether it was there to the end, in the words of service §10.6; a connection that was lost
 *   is a result and no error.
 * @throws the reason of the signal
 */
export async function holdConnection({ db, clock }: Ctx, hold: Hold): Promise<JsonObject> {
  const pattern: Pattern = PATTERNS[hold.name];
  const seen: Seen = { beats: 0 };
  const startedMs = clock.now();
  const error = await db
    .connection()
    .execute((connection) => use(connection, { ...hold, pattern, seen }))
    .then(() => undefined)
    .catch((problem: unknown) => {
      hold.signal.throwIfAborted();
      return problem;
    });
  const isGood = error === undefined && seen.isKept !== false;
  return {
    test: hold.name,
    started_at: new Date(startedMs).toISOString(),
    finished_at: new Date(clock.now()).toISOString(),
    duration_minutes: hold.durationMs / 60_000,
    connection_alive: error === undefined,
    success: isGood,
    status: isGood ? "PASSED" : "FAILED",
    ...(seen.isKept === undefined ? {} : { connection_pinned: seen.isKept }),
    ...(seen.pid === undefined ? {} : { backend_pid: seen.pid }),
    ...(pattern.isActive ? { iterations_completed: seen.beats } : {}),
    ...(error === undefined ? {} : { error: shownError(error) }),
  };
}

interface Seen {
  pid?: number;
  isKept?: boolean;
  beats: number;
}

const pidOf = async (db: Db): Promise<number | undefined> =>
  (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid;

async function use(
  db: Db,
  { pattern, seen, ...hold }: Hold & { readonly pattern: Pattern; readonly seen: Seen },
): Promise<void> {
  const { state, isTransaction } = pattern;
  const pid = await pidOf(db);
  if (pid !== undefined) seen.pid = pid;
  try {
    if (isTransaction) await sql`begin`.execute(db);
    await state?.make(db);
    await wait(db, { ...hold, pattern, seen });
    const isSame = (await pidOf(db)) === pid;
    if (state) seen.isKept = isSame && (await state.isKept(db));
  } finally {
    // The connection goes back to others; of one that is lost nothing is left to undo.
    await Promise.resolve(isTransaction ? sql`rollback`.execute(db) : state?.drop(db)).catch(
      () => undefined,
    );
  }
}

async function wait(
  db: Db,
  {
    durationMs,
    beatMs,
    signal,
    pattern,
    seen,
  }: Hold & { readonly pattern: Pattern; readonly seen: Seen },
): Promise<void> {
  const end = performance.now() + durationMs;
  for (let left = durationMs; left > 0; left = end - performance.now()) {
    await sleep(pattern.isActive ? Math.min(beatMs, left) : left, undefined, { signal });
    if (!pattern.isActive) continue;
    await sql`select count(*) from app_process`.execute(db);
    seen.beats += 1;
  }
}

const shownError = (error: unknown): JsonObject =>
  error instanceof Error
    ? { type: error.name, message: error.message, traceback: error.stack ?? "" }
    : { type: typeof error, message: String(error), traceback: "" };
