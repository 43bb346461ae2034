import { setTimeout as sleep } from "node:timers/promises";
import type { Ctx } from "./ctx.ts";

/** A database that says nothing for so long serves nobody. */
const READY_MS = 2000;

const asksDatabase = { name: "is the database there", text: "select 1 as one" };

/** Whether the database can be worked with now; known within two seconds. */
export async function databaseAnswers({ hot }: Pick<Ctx, "hot">): Promise<boolean> {
  const late = new AbortController();
  const silence = sleep(READY_MS, false, { signal: late.signal }).catch(() => false);
  const answer = hot.query(asksDatabase, []).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answer, silence]);
  } finally {
    late.abort();
  }
}
