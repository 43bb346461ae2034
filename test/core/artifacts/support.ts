import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { sql } from "kysely";
import { armCrashPoints } from "#base/crash-points.ts";
import { uuid7 } from "#base/uuid7.ts";
import { receiveFile, sweep } from "#core/artifacts/commands.ts";
import { objectName } from "#core/artifacts/queries.ts";
import type { ReceivedFile } from "#core/artifacts/types.ts";
import type { Ctx } from "#core/ctx.ts";
import { checkInvariants } from "../../../tools/check-invariants.ts";
import type { TestContextValue } from "../../support/context.ts";

export const sha256Of = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

type World = Pick<TestContextValue, "ctx" | "domain" | "mediaRoot">;

export const receive = (
  { ctx, domain }: Pick<World, "ctx" | "domain">,
  bytes: Buffer | string,
): Promise<ReceivedFile> => {
  async function* body() {
    yield Buffer.from(bytes);
  }
  return receiveFile(ctx, domain, body());
};

export const objectOf = ({ domain }: Pick<World, "domain">, bytes: Buffer | string): string =>
  objectName(domain, sha256Of(bytes));

/** Lets an hour pass for every intent. */
export const expireIntents = ({ db }: Ctx) =>
  sql`update storage_intent set not_before = clock_timestamp() - interval '1 second'`.execute(db);

export const intents = async ({ db }: Ctx): Promise<string[]> => {
  const rows = await db.selectFrom("storage_intent").select("object").orderBy("object").execute();
  return rows.map(({ object }) => object);
};

export async function assertSound({ ctx, mediaRoot }: World): Promise<void> {
  assert.deepEqual(await checkInvariants(ctx.db, mediaRoot), []);
  const { rows } = await sql<{ wrong: boolean }>`
    select coalesce((select bytes from domain_usage u where u.domain = d.num), 0)
        <> coalesce((select sum(size) from artifact a where a.domain = d.num), 0)
      or coalesce((select artifacts from domain_usage u where u.domain = d.num), 0)
        <> (select count(*) from artifact a where a.domain = d.num) as wrong
    from domain d`.execute(ctx.db);
  assert.ok(
    rows.every(({ wrong }) => !wrong),
    "usage differs from the sum of the artifacts",
  );
}

/** The beat of another process, an hour after everybody else died. */
export async function beatOfAnother({ ctx }: World): Promise<void> {
  const id = uuid7();
  await expireIntents(ctx);
  const later = { now: () => Date.now() + 2 * 3600 * 1000 };
  await sweep({ ...ctx, clock: later, process: { ...ctx.process, id } });
}

export class Crash extends Error {}

/** Runs the work again and again, and lets it crash at its first, second, third… point. */
export async function crashEverywhere(
  work: (attempt: number) => Promise<void>,
  afterwards: (point: string) => Promise<void>,
): Promise<readonly string[]> {
  const points: string[] = [];
  for (let attempt = 0; ; attempt += 1) {
    let passed = 0;
    let crashedAt: string | undefined;
    {
      using _armed = armCrashPoints((name) => {
        if (passed === attempt) {
          crashedAt = name;
          throw new Crash(name);
        }
        passed += 1;
      });
      await work(attempt).catch((error) => {
        if (!(error instanceof Crash)) throw error;
      });
    }
    if (crashedAt === undefined) return points;
    points.push(crashedAt);
    await afterwards(crashedAt);
  }
}
