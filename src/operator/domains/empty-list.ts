import { mapBounded } from "#base/parallel.ts";
import { refusal, type ServerClient } from "../client/server-client.ts";

const BATCH = 100;
/** Deletions on the way at a time; the queue of tasks decides how many really happen. */
const AT_A_TIME = 10;

export interface EmptyOptions {
  readonly taskTimeoutMs: number;
  /** Hears why an object stays. */
  note(line: string): void;
}

/**
 * Deletes all objects of a list, a page at a time, and waits for the tasks. Deletions move what is
 * behind them, so it begins at the first page again after each, and goes past pages of which all was
 * tried before. A list that the server does not have is empty.
 */
export async function emptyList(
  client: ServerClient,
  address: string,
  { taskTimeoutMs, note }: EmptyOptions,
): Promise<{ readonly deleted: number; readonly failed: number }> {
  const failed = new Set<string>();
  const { status } = await client.ask(address, { query: { limit: 1 } });
  if (status === 404) return { deleted: 0, failed: 0 };
  let deleted = 0;
  for (let offset = 0; ; ) {
    const { items } = await client.page(address, { limit: BATCH, offset });
    if (items.length === 0) return { deleted, failed: failed.size };
    const fresh = items.map((item) => String(item.pulp_href)).filter((href) => !failed.has(href));
    await mapBounded(fresh, AT_A_TIME, async (href) => {
      const problem = await deletion(client, href, taskTimeoutMs);
      if (problem === undefined) {
        deleted += 1;
        return;
      }
      failed.add(href);
      note(problem);
    });
    offset = fresh.length === 0 ? offset + BATCH : 0;
  }
}

/** Why it stays; undefined when it is gone. */
async function deletion(
  client: ServerClient,
  href: string,
  taskTimeoutMs: number,
): Promise<string | undefined> {
  try {
    const answer = await client.ask(href, { method: "DELETE" });
    if (answer.status === 404) return undefined;
    if (answer.status >= 400) throw refusal(href, { method: "DELETE" }, answer);
    if (answer.text !== "") await client.done(JSON.parse(answer.text), taskTimeoutMs);
    return undefined;
  } catch (error) {
    client.signal.throwIfAborted();
    return (error as Error).message;
  }
}
