import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef, Trx } from "../ctx.ts";
import { announceAfterCommit, createDistribution } from "../distributions/commands.ts";
import { ARTIFACT_DISTRIBUTION, REDIRECT_GUARD } from "./models.ts";
import { signedPath } from "./queries.ts";

/**
 * Address of an artifact on the content app, below its origin, that anybody may use for an hour.
 *
 * @returns undefined without `SECRET_KEY`, since nothing can be signed then.
 * @see core-content §5.13
 */
export async function signedArtifactPath(ctx: Ctx, artifact: string): Promise<string | undefined> {
  const { SECRET_KEY, CONTENT_PATH_PREFIX: prefix, DOMAIN_ENABLED: hasDomains } = ctx.settings;
  if (SECRET_KEY === "") return undefined;
  const { domain, base_path, guard } = await artifactDistribution(ctx);
  const path = `${prefix}${hasDomains ? `${domain}/` : ""}${base_path}/${artifact}`;
  return signedPath(ctx, guard, path);
}

interface ArtifactDistribution {
  /** Name of the default domain, where it lives. */
  readonly domain: string;
  readonly base_path: string;
  readonly guard: string;
}

/** The distribution with its guard; one that lost its guard serves nothing, and is replaced. */
async function artifactDistribution(ctx: Ctx): Promise<ArtifactDistribution> {
  const [known] = await existing(ctx.db);
  if (known) return known;
  const made: { domain?: DomainRef; id?: string } = {};
  const found = await ctx.db.transaction().execute(async (trx) => {
    await sql`lock table content_guard in share row exclusive mode`.execute(trx);
    const [other] = await existing(trx);
    if (other) return other;
    const domain = await trx
      .selectFrom("domain")
      .select(["num", "id", "name"])
      .where("name", "=", "default")
      .executeTakeFirstOrThrow();
    const { id, ...distribution } = await makeGuarded(ctx, trx, domain);
    Object.assign(made, { domain, id });
    return distribution;
  });
  if (made.domain && made.id) announceAfterCommit(ctx, made.domain, [made.id]);
  return found;
}

async function existing(db: Ctx["db"]): Promise<readonly ArtifactDistribution[]> {
  const { rows } = await sql<ArtifactDistribution>`
    select o.name as domain, d.base_path, d.guard from distribution d
    join domain o on o.num = d.domain join content_guard g on g.id = d.guard
    where d.type = ${ARTIFACT_DISTRIBUTION.type} and g.type = ${REDIRECT_GUARD.type}
    order by d.created limit 1`.execute(db);
  return rows;
}

/** Both have the same name, which nobody can guess. */
async function makeGuarded(
  ctx: Ctx,
  trx: Trx,
  domain: DomainRef,
): Promise<ArtifactDistribution & { readonly id: string }> {
  const name = randomBytes(32).toString("hex");
  const guard = uuid7();
  const { type } = REDIRECT_GUARD;
  await trx
    .insertInto("content_guard")
    .values({ id: guard, domain: domain.num, type, name, description: null })
    .execute();
  await trx.deleteFrom("distribution").where("type", "=", ARTIFACT_DISTRIBUTION.type).execute();
  const shared = { domain, name, basePath: name, guard, hidden: true };
  const id = await createDistribution(ctx, { ...shared, type: ARTIFACT_DISTRIBUTION.type }, trx);
  return { id, domain: domain.name, base_path: name, guard };
}
