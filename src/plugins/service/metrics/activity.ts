import { createHmac } from "node:crypto";
import { Tally } from "#base/tally.ts";
import { type Call, type Ctx, type Executor, inTransaction, type Meter, sql } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { rowKey, slices } from "./row-key.ts";
import { type Visitor, visitorFinder } from "./visitor.ts";

/** Requests of one user in one day to one index, or to the rest of the API. */
interface Entry {
  readonly domain: number;
  /** `2026-11-30`, UTC. */
  readonly day: string;
  readonly basePath: string | null;
  readonly visitor: Visitor;
  readonly ipHash: string | null;
  readonly count: number;
}

/** Counts requests to the API and to indexes by day (service §9.4). */
export function activityMeter(ctx: Ctx): Pick<Meter, "asked" | "close"> {
  const { DOWNLOAD_METRICS_FLUSH_SECONDS, DOWNLOAD_METRICS_BUFFER } = serviceSettingsOf(ctx);
  const visitorOf = visitorFinder(ctx);
  const hashOf = addressHash(ctx.settings.SECRET_KEY);
  const tally = new Tally<Entry>({
    pauseMs: DOWNLOAD_METRICS_FLUSH_SECONDS * 1000,
    most: DOWNLOAD_METRICS_BUFFER,
    sum: (known, { count }) => ({ ...known, count: known.count + count }),
    write: (entries) => inTransaction(ctx, undefined, (trx) => writeActivity(trx, entries)),
    failed: (error, count) => ctx.log.warn(`${count} rows of requests are written later: ${error}`),
  });
  return {
    asked({ caller, request }: Call, place) {
      const visitor = visitorOf(request.raw, caller.user?.username);
      const domain = caller.domain.num;
      // Of probes and of what is open to everybody nobody wants to know.
      if (domain === 0 || (visitor.kind === null && place === undefined)) return;
      const day = new Date(ctx.clock.now()).toISOString().slice(0, 10);
      const basePath = place?.basePath ?? null;
      const ipHash = hashOf(request.ip);
      const key = `${domain}\n${day}\n${basePath}\n${visitor.user}\n${visitor.organisation}\n${ipHash}`;
      tally.add(key, { domain, day, basePath, visitor, ipHash, count: 1 });
    },
    close: () => tally.close(),
  };
}

/**
 * Tells addresses apart without naming them: whoever has not the secret cannot try them all. Without a
 * secret nothing is kept of them.
 */
const addressHash =
  (secret: string) =>
  (address: string): string | null =>
    secret === ""
      ? null
      : createHmac("sha256", secret).update(`address ${address}`).digest("hex").slice(0, 32);

function rowOf({ domain, day, basePath, visitor, ipHash, count }: Entry) {
  const { user, organisation, kind } = visitor;
  const key = rowKey(basePath, user, organisation, kind, ipHash);
  return {
    ...{ domain, day, key, order: `${domain} ${day} ${key}`, base_path: basePath, count },
    ...{ username: user, org_id: organisation, user_kind: kind, ip_hash: ipHash },
  };
}

async function writeActivity(db: Executor, entries: readonly Entry[]): Promise<void> {
  for (const rows of slices(entries.map(rowOf))) {
    await sql`
      insert into service_request_activity as a
        (domain, day, key, base_path, username, org_id, user_kind, ip_hash, count)
      select x.num, r.day, r.key, r.base_path, r.username, r.org_id, r.user_kind, r.ip_hash, r.count
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (domain int, day date, key uuid,
        base_path text, username text, org_id text, user_kind text, ip_hash text, count bigint)
      join domain x on x.num = r.domain
      order by r.domain, r.day, r.key
      on conflict (domain, day, key) do update set count = a.count + excluded.count`.execute(db);
  }
}
