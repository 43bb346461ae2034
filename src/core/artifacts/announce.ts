import { Batcher } from "#base/batcher.ts";
import { PREPARE } from "#base/prepare.ts";
import type { Hot } from "#platform/db/hot.ts";
import type { Ctx, DomainRef } from "../ctx.ts";
import { retryOnConflict } from "../transaction.ts";
import { newReason } from "./intents.ts";
import { bytesOf } from "./queries.ts";

/** An object that shall be stored, and the digest of its bytes in lower-case hex. */
export interface WantedObject {
  readonly sha256: string;
  readonly object: string;
}

/** The artifact that has these bytes, or the reason under which its object is announced. */
export interface KnownRow {
  readonly domain: number;
  readonly sha256: Buffer;
  readonly id: string | null;
  readonly size: number | null;
  readonly file: string | null;
  readonly is_stale: boolean | null;
  readonly reason: string | null;
}

type Wanted = WantedObject & { readonly domain: number };

/** Objects of one statement from files that come one by one. */
const MOST_AT_ONCE = 200;

/** Each artifact is looked up by itself, whatever the planner takes the table for. */
const FIND_OR_ANNOUNCE = `${PREPARE}
with wanted as materialized (
  select w.domain, w.sha256, w.object, k.id, k.size, k.file, k.is_stale
  from unnest($1::int[], $2::bytea[], $3::text[]) as w (domain, sha256, object)
  left join lateral (
    select a.id, a.size, a.file, a.touched < clock_timestamp() - interval '1 hour' as is_stale
    from artifact a where a.domain = w.domain and a.sha256 = w.sha256 offset 0) k on true
), announced as (
  insert into storage_intent (domain, object, reason, not_before)
  select domain, object, $4::text, clock_timestamp() + interval '1 hour'
  from wanted where id is null order by domain, object
  on conflict (domain, object) do update
    set not_before = greatest(storage_intent.not_before, excluded.not_before)
  returning domain, object, reason
)
select w.domain, w.sha256, w.id, w.size, w.file, w.is_stale, i.reason
from wanted w left join announced i on i.domain = w.domain and i.object = w.object`;

const batchers = new WeakMap<Hot, Batcher<Wanted, KnownRow | undefined>>();

/**
 * Finds the artifacts that exist, and announces the objects of the others: durable when this
 * returns. A single one goes together with those of other requests.
 *
 * @returns rows by digest.
 */
export async function findOrAnnounce(
  { hot }: Pick<Ctx, "hot">,
  { num }: Pick<DomainRef, "num">,
  objects: readonly WantedObject[],
): Promise<Map<string, KnownRow>> {
  const [only] = objects;
  const wanted = objects.map(({ sha256, object }) => ({ domain: num, sha256, object }));
  if (!only || wanted.length > 1) {
    const rows = await ask(hot, wanted);
    return new Map(rows.map((row) => [row.sha256.toString("hex"), row]));
  }
  const row = await batcherOf(hot).add({ domain: num, ...only });
  return new Map(row ? [[only.sha256, row]] : []);
}

function batcherOf(hot: Hot): Batcher<Wanted, KnownRow | undefined> {
  const known = batchers.get(hot);
  if (known) return known;
  const made = new Batcher<Wanted, KnownRow | undefined>((wanted) => askTogether(hot, wanted), {
    ...{ most: MOST_AT_ONCE, gathers: true },
  });
  batchers.set(hot, made);
  return made;
}

/** Requests that bring the same bytes share a row. */
async function askTogether(hot: Hot, wanted: readonly Wanted[]) {
  const keyOf = ({ domain, sha256 }: Pick<Wanted, "domain" | "sha256">) => `${domain} ${sha256}`;
  const distinct = [...new Map(wanted.map((one) => [keyOf(one), one])).values()];
  const rows = await ask(hot, distinct);
  const byKey = new Map(
    rows.map((row) => [keyOf({ domain: row.domain, sha256: row.sha256.toString("hex") }), row]),
  );
  return wanted.map((one) => byKey.get(keyOf(one)));
}

async function ask(hot: Hot, wanted: readonly Wanted[]): Promise<readonly KnownRow[]> {
  const values = [
    wanted.map(({ domain }) => domain),
    bytesOf(wanted.map(({ sha256 }) => sha256)),
    wanted.map(({ object }) => object),
    newReason("store"),
  ];
  const [rows = []] = await retryOnConflict(() =>
    hot.inOneFlight([{ text: FIND_OR_ANNOUNCE, values }]),
  );
  return rows as readonly KnownRow[];
}
