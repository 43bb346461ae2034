import { type Ctx, sql } from "#sdk";
import { immediateOf } from "./lock-keys.ts";

/** Whether whoever shows a lock is still there. */
export interface Holder {
  readonly exists_in_db: boolean;
  readonly online: boolean;
  readonly app_type: string | null;
  readonly last_heartbeat: string | null;
  readonly verdict: "alive" | "stale" | "missing";
}

/** Who shows locks, by name. */
export interface Holders {
  /** In the words of the answers. */
  readonly shown: Readonly<Record<string, Holder>>;
  isOnline(name: string): boolean;
  /**
   * There is no record of it, or it has not been heard of for three lives: until then it may be at
   * work still (service §10.4).
   */
  isGone(name: string): boolean;
}

interface ProcessRow {
  readonly name: string;
  readonly kind: string;
  readonly heartbeat: string;
  readonly online: boolean;
  readonly is_gone: boolean;
}

const NOBODY: Holder = {
  ...{ exists_in_db: false, online: false, app_type: null },
  ...{ last_heartbeat: null, verdict: "missing" },
};

/** Looks all names up with one statement. */
export async function holdersOf({ db }: Ctx, names: Iterable<string>): Promise<Holders> {
  const all = [...new Set(names)];
  const immediate = all.flatMap((name) => immediateOf(name) ?? []);
  const { rows } = await sql<ProcessRow>`
    select name, kind, to_char(last_heartbeat at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        as heartbeat,
      last_heartbeat + make_interval(secs => ttl_seconds) >= clock_timestamp() as online,
      last_heartbeat + make_interval(secs => 3 * ttl_seconds) < clock_timestamp() as is_gone
    from app_process where name = any(${all}::text[])
    union all
    select 'immediate-' || task, 'immediate', null, true, false from task_queue
    where task = any(${immediate}::uuid[])
    order by heartbeat`.execute(db);
  // Of several of a name the latest counts.
  const known = new Map(rows.map((row) => [row.name, row]));
  return {
    shown: Object.fromEntries(all.map((name) => [name, shownHolder(known.get(name))])),
    isOnline: (name) => known.get(name)?.online === true,
    isGone: (name) => known.get(name)?.is_gone ?? true,
  };
}

function shownHolder(row: ProcessRow | undefined): Holder {
  if (!row) return NOBODY;
  return {
    exists_in_db: true,
    online: row.online,
    app_type: row.kind,
    last_heartbeat: row.heartbeat,
    verdict: row.online ? "alive" : "stale",
  };
}
