import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { rethrow } from "../constraints.ts";
import type { Ctx, DomainRef, Executor, Trx } from "../ctx.ts";
import { remoteConstraints, remoteErrors } from "./errors.ts";
import { remoteById } from "./queries.ts";
import { openSecrets } from "./session.ts";
import { type NewRemote, type RemoteColumns, SECRET_COLUMNS, type SecretColumn } from "./types.ts";

export { downloadArtifact, markFailed } from "./artifact.ts";
export { askUpstream } from "./ask.ts";
export { downloadFile, downloadIfChanged } from "./download.ts";
export { openRemote, openSecrets, openSession } from "./session.ts";

const BATCH = 2000;

/** @returns the id of the new remote. */
export async function createRemote(
  ctx: Ctx,
  input: { readonly domain: DomainRef; readonly type: string; readonly values: NewRemote },
  trx?: Trx,
): Promise<string> {
  const id = uuid7();
  const { name, url } = input.values;
  await (trx ?? ctx.db)
    .insertInto("remote")
    .values({
      id,
      domain: input.domain.num,
      type: input.type,
      name,
      url,
      ...stored(ctx, input.values),
    })
    .execute()
    .catch(rethrow(remoteConstraints));
  return id;
}

/** Only the columns that are given change; a change of a secret seals all of them with one key. */
export async function updateRemote(
  ctx: Ctx,
  change: { readonly domain: DomainRef; readonly id: string; readonly values: RemoteColumns },
  trx?: Trx,
): Promise<void> {
  const db = trx ?? ctx.db;
  const touchesSecret = SECRET_COLUMNS.some((column) => change.values[column] !== undefined);
  const kept = touchesSecret ? await openSecretsOf(ctx, db, change) : {};
  const { numUpdatedRows } = await db
    .updateTable("remote")
    .set({ ...stored(ctx, { ...kept, ...change.values }), updated: sql`clock_timestamp()` })
    .where("domain", "=", change.domain.num)
    .where("id", "=", change.id)
    .executeTakeFirst()
    .catch(rethrow(remoteConstraints));
  if (numUpdatedRows === 0n) throw remoteErrors.notFound(change.id);
}

/**
 * Removes a remote and what it offered; repositories and distributions keep existing without it.
 *
 * @throws `remoteErrors.inUse` while an alternate content source builds on it.
 */
export async function deleteRemote(ctx: Ctx, domain: DomainRef, id: string): Promise<void> {
  const user = await ctx.db
    .selectFrom("alternate_content_source")
    .select("name")
    .where("domain", "=", domain.num)
    .where("remote", "=", id)
    .executeTakeFirst();
  if (user) throw remoteErrors.inUse(user.name);
  let removed = BATCH;
  while (removed === BATCH) {
    const { numAffectedRows } = await sql`
      delete from remote_artifact where (content_artifact, remote) in (
        select content_artifact, remote from remote_artifact where remote = ${id} limit ${BATCH})`.execute(
      ctx.db,
    );
    removed = Number(numAffectedRows ?? 0);
  }
  await ctx.db.deleteFrom("remote").where("domain", "=", domain.num).where("id", "=", id).execute();
}

type Secrets = Partial<Record<SecretColumn, string | null>>;

async function openSecretsOf(
  ctx: Ctx,
  db: Executor,
  which: { readonly domain: DomainRef; readonly id: string },
): Promise<Secrets> {
  const row = await remoteById(db, which.domain, which.id);
  if (row === undefined) throw remoteErrors.notFound(which.id);
  return openSecrets(ctx, row);
}

/** Columns as the table holds them. */
function stored(ctx: Ctx, values: RemoteColumns) {
  const {
    headers,
    labels,
    client_key,
    username,
    password,
    proxy_username,
    proxy_password,
    ...plain
  } = values;
  const secrets = { client_key, username, password, proxy_username, proxy_password };
  const given = Object.entries(secrets).filter(([, value]) => value !== undefined);
  const sealed = given.map(([column, value]) => [
    column,
    value === null ? null : ctx.secrets.seal(value ?? ""),
  ]);
  return {
    ...plain,
    ...(Object.fromEntries(sealed) as Secrets),
    ...(given.length > 0 ? { secrets_key: ctx.secrets.keyName } : {}),
    ...(headers === undefined
      ? {}
      : { headers: headers === null ? null : JSON.stringify(headers) }),
    ...(labels === undefined ? {} : { labels: JSON.stringify(labels) }),
  };
}
