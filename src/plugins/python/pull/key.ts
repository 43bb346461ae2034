import { randomBytes } from "node:crypto";
import { uuid7 } from "#base/uuid7.ts";
import type { Ctx, DomainRef } from "#sdk";
import { sql } from "#sdk";

const known = new WeakMap<Ctx["hot"], Map<number, Promise<Buffer>>>();

/** Key that signs the upstream addresses of a domain; made when it is first asked for. */
export function pullKey(ctx: Ctx, domain: Pick<DomainRef, "num">): Promise<Buffer> {
  const keys = known.get(ctx.hot) ?? new Map<number, Promise<Buffer>>();
  known.set(ctx.hot, keys);
  const key = keys.get(domain.num) ?? readOrMake(ctx, domain.num);
  keys.set(domain.num, key);
  key.catch(() => keys.delete(domain.num));
  return key;
}

async function readOrMake(ctx: Ctx, domain: number): Promise<Buffer> {
  const secret = ctx.secrets.seal(randomBytes(32).toString("base64url"));
  await sql`
    insert into python_pull_key (id, domain, secret) values (${uuid7()}, ${domain}, ${secret})
    on conflict (domain) do nothing`.execute(ctx.db);
  const { rows } = await sql<{ secret: string }>`
    select secret from python_pull_key where domain = ${domain}`.execute(ctx.db);
  const [row] = rows;
  if (row === undefined) throw new Error(`Domain ${domain} has no key for pull-through.`);
  return Buffer.from(ctx.secrets.open(row.secret), "base64url");
}
