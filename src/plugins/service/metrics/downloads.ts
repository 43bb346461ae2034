import { Tally } from "#base/tally.ts";
import { uuid7 } from "#base/uuid7.ts";
import { type Ctx, type Executor, inTransaction, type Meter, sql } from "#sdk";
import { serviceSettingsOf } from "../settings.ts";
import { clientFamily } from "./client-family.ts";
import { type PackageName, packageName } from "./package-name.ts";
import { rowKey, slices } from "./row-key.ts";
import { type Visitor, visitorFinder } from "./visitor.ts";

type SentFile = Parameters<Meter["sent"]>[0];
type CountedFile = SentFile["file"];

const HOUR_MS = 3_600_000;

/** Downloads of one package in one hour by one of its users. */
interface Entry {
  readonly hourMs: number;
  readonly file: CountedFile;
  readonly package: PackageName;
  readonly visitor: Visitor;
  readonly family: string;
  readonly count: number;
  readonly bytes: number;
  readonly hits: number;
}

/** Counts downloads by hour (service §9.4). */
export function downloadMeter(ctx: Ctx): Pick<Meter, "sent" | "close"> {
  const { DOWNLOAD_METRICS_FLUSH_SECONDS, DOWNLOAD_METRICS_BUFFER } = serviceSettingsOf(ctx);
  const visitorOf = visitorFinder(ctx);
  const nameOf = remembered(packageName);
  const tally = new Tally<Entry>({
    pauseMs: DOWNLOAD_METRICS_FLUSH_SECONDS * 1000,
    most: DOWNLOAD_METRICS_BUFFER,
    sum: (known, { count, bytes, hits }) => ({
      ...known,
      count: known.count + count,
      bytes: known.bytes + bytes,
      hits: known.hits + hits,
    }),
    write: (entries) => inTransaction(ctx, undefined, (trx) => writeDownloads(trx, entries)),
    failed: (error, count) =>
      ctx.log.warn(`${count} rows of downloads are written later: ${error}`),
  });
  return {
    sent({ file, request, bytes, isFromMemory, user }) {
      const name = nameOf(file);
      if (!name) return;
      const hourMs = Math.floor(ctx.clock.now() / HOUR_MS) * HOUR_MS;
      const visitor = visitorOf(request, user);
      const family = clientFamily(request.headers["user-agent"]);
      const counts = {
        count: name.isPart ? 0 : 1,
        bytes,
        hits: isFromMemory && !name.isPart ? 1 : 0,
      };
      const place = `${file.domain.num}\n${hourMs}\n${file.basePath}\n${name.type}\n${name.key}`;
      const who = `${visitor.organisation}\n${visitor.user}\n${family}`;
      tally.add(`${place}\n${who}`, { hourMs, file, package: name, visitor, family, ...counts });
    },
    close: () => tally.close(),
  };
}

/** The same for the same value, which answers from memory share. */
function remembered<Key extends object, Value>(of: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const entry = known.get(key) ?? { value: of(key) };
    known.set(key, entry);
    return entry.value;
  };
}

function rowOf({ hourMs, file, package: of, visitor, family, ...counts }: Entry) {
  const { domain, basePath, distribution, contentArtifact } = file;
  const { user, organisation, kind } = visitor;
  const hour = new Date(hourMs).toISOString();
  const key = rowKey(basePath, of.type, of.key, organisation, user, family);
  return {
    ...{ id: uuid7(), domain: domain.num, hour, key, order: `${domain.num} ${hour} ${key}` },
    ...{ package_type: of.type, name: of.name, version: of.version, release: of.release },
    ...{ arch: of.arch, nevra: of.nevra, distribution, base_path: basePath },
    ...{ content_artifact: contentArtifact, org_id: organisation },
    ...{ username: user, user_kind: kind },
    ...{ client_family: family, count: counts.count, bytes: counts.bytes, cache_hits: counts.hits },
  };
}

/** Adds to what there is of the same hours; what belongs to a domain that has gone is dropped. */
async function writeDownloads(db: Executor, entries: readonly Entry[]): Promise<void> {
  for (const rows of slices(entries.map(rowOf))) {
    await sql`
      insert into service_package_download as d (id, domain, hour, key, package_type, name, version,
        release, arch, nevra, distribution, base_path, content, org_id, username, user_kind, client_family,
        count, bytes, cache_hits)
      select r.id, x.num, r.hour, r.key, r.package_type, r.name, r.version, r.release, r.arch,
        r.nevra, r.distribution, r.base_path, a.content, r.org_id, r.username, r.user_kind, r.client_family,
        r.count, r.bytes, r.cache_hits
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r (id uuid, domain int,
        hour timestamptz, key uuid, package_type text, name text, version text, release text,
        arch text, nevra text, distribution uuid, base_path text, content_artifact uuid, org_id text,
        username text, user_kind text, client_family text, count bigint, bytes bigint, cache_hits bigint)
      join domain x on x.num = r.domain
      left join content_artifact a on a.domain = r.domain and a.id = r.content_artifact
      order by r.domain, r.hour, r.key
      on conflict (domain, hour, key) do update set count = d.count + excluded.count,
        bytes = d.bytes + excluded.bytes, cache_hits = d.cache_hits + excluded.cache_hits,
        distribution = excluded.distribution, content = coalesce(excluded.content, d.content),
        updated = clock_timestamp()`.execute(db);
  }
}
