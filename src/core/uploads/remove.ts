import { sql } from "kysely";
import { announceRemovals } from "../artifacts/commands.ts";
import type { DomainRef, Trx } from "../ctx.ts";
import { uploadErrors } from "./errors.ts";
import { uploadChunks } from "./queries.ts";

/** Chunks of one upload are recorded one after the other, and never beside its removal. */
export async function lockUpload(trx: Trx, domain: DomainRef, id: string): Promise<void> {
  const { rows } = await sql`
    update upload set updated = clock_timestamp()
    where domain = ${domain.num} and id = ${id} returning id`.execute(trx);
  if (rows.length === 0) throw uploadErrors.notFound();
}

/** Removes the rows and announces the chunk files. @returns their objects, for `sweepObjects`. */
export async function removeUpload(trx: Trx, domain: DomainRef, id: string): Promise<string[]> {
  await lockUpload(trx, domain, id);
  const objects = (await uploadChunks(trx, id)).map(({ object }) => object);
  await announceRemovals(trx, domain, objects);
  await trx.deleteFrom("upload").where("id", "=", id).execute();
  return objects;
}
