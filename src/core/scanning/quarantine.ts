import { sql } from "kysely";
import type { Ctx, DomainRef } from "../ctx.ts";
import { announceFinding } from "./blocked.ts";
import { quarantineName } from "./rules.ts";

const BATCH = 100;

interface PutAway {
  readonly id: string;
  readonly sha256: string;
  readonly domain: DomainRef;
}

/**
 * Somebody says that a file is harmless: the bytes that were put away go, and it is taken like any
 * other from now on, whatever a scanner says.
 *
 * @returns false if nothing was found in it.
 */
export async function releaseFile(ctx: Ctx, domain: DomainRef, id: string): Promise<boolean> {
  const found = await infectedFile(ctx, domain, id);
  if (!found) return false;
  await removeBytes(ctx, found);
  const { numAffectedRows = 0n } = await sql`
    update malware_scan set status = 'clean', quarantined = false, trigger = 'manual',
      scanned_at = clock_timestamp()
    where id = ${id} and domain = ${domain.num} and status = 'infected'`.execute(ctx.db);
  announceFinding(ctx);
  return numAffectedRows > 0n;
}

/**
 * Removes the bytes of an infected file; it is refused as before.
 *
 * @returns false if nothing was put away.
 */
export async function purgeFile(ctx: Ctx, domain: DomainRef, id: string): Promise<boolean> {
  const found = await infectedFile(ctx, domain, id);
  if (!found?.quarantined) return false;
  await purge(ctx, found);
  return true;
}

async function infectedFile({ db }: Ctx, domain: DomainRef, id: string) {
  const { rows } = await sql<{ sha256: string; quarantined: boolean }>`
    select encode(artifact_sha256, 'hex') as sha256, quarantined from malware_scan
    where id = ${id} and domain = ${domain.num} and status = 'infected'`.execute(db);
  const [row] = rows;
  return row && { ...row, id, domain };
}

/** The bytes first: a crash in between leaves a row by which they are looked for again. */
async function purge(ctx: Ctx, one: PutAway): Promise<void> {
  await removeBytes(ctx, one);
  await sql`update malware_scan set quarantined = false where id = ${one.id}`.execute(ctx.db);
}

const removeBytes = (ctx: Ctx, { domain, sha256 }: PutAway): Promise<void> =>
  ctx.storage(domain).remove(quarantineName(sha256));

/**
 * Removes bytes that were put away longer ago, of every domain; what cannot be removed now is left for
 * the next time.
 *
 * @returns how many went.
 */
export async function purgeExpired(
  ctx: Ctx,
  { days, signal }: { readonly days: number; readonly signal: AbortSignal },
): Promise<number> {
  let removed = 0;
  let after = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    signal.throwIfAborted();
    const batch = await expired(ctx, { days, after });
    for (const one of batch) {
      const isGone = await purge(ctx, one).then(
        () => true,
        (error: unknown) => {
          ctx.log.warn(`A file in quarantine cannot be removed: ${one.sha256} ${error}`);
          return false;
        },
      );
      if (isGone) removed += 1;
    }
    const last = batch.at(-1);
    if (!last) return removed;
    after = last.id;
  }
}

async function expired(
  { db }: Ctx,
  { days, after }: { readonly days: number; readonly after: string },
): Promise<readonly PutAway[]> {
  const { rows } = await sql<PutAway>`
    select s.id, encode(s.artifact_sha256, 'hex') as sha256,
      json_build_object('num', d.num, 'id', d.id, 'name', d.name) as domain
    from malware_scan s join domain d on d.num = s.domain
    where s.quarantined and s.id > ${after}::uuid
      and s.scanned_at < clock_timestamp() - make_interval(days => ${days})
    order by s.id limit ${BATCH}`.execute(db);
  return rows;
}
