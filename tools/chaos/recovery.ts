import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, ApiError } from "../../test/support/api.ts";
import { commandLine, listProcesses } from "../../test/support/process-tree.ts";
import type { Server } from "../../test/support/server.ts";

/** Everything is as before after this time, or never (R4). */
const RECOVERY_MS = 40_000;

/** False if the service has ended and has to be started. */
export async function untilAnswering(server: Server): Promise<boolean> {
  const deadline = Date.now() + RECOVERY_MS;
  const urls = [`${server.apiUrl}/pulp/api/v3/status/`, `${server.contentUrl}/pulp/content/`];
  while (Date.now() < deadline) {
    if ((await server.pids()).length === 0) return false;
    const answers = await Promise.all(urls.map((url) => fetch(url).catch(() => undefined)));
    if (answers.every((answer) => answer?.ok)) return true;
    await sleep(50);
  }
  throw new Error(`the service does not recover, see ${server.logFile}`);
}

/** Children notice that their parent died and end; the database is ended by the next start. */
export async function untilOrphansEnded(home: string): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS;
  for (;;) {
    const orphans = (await listProcesses()).filter(({ parent }) => parent === 1);
    const left = await Promise.all(orphans.map(({ pid }) => isTaskChildOf(home, pid)));
    if (!left.includes(true)) return;
    if (Date.now() > deadline) throw new Error(`task children of ${home} are left`);
    await sleep(50);
  }
}

async function isTaskChildOf(home: string, pid: number): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
  const isOurs = environment.split("\0").includes(`DECKLE_HOME=${home}`);
  return isOurs && (await commandLine(pid)).includes("task-child");
}

/** Waits until every task is final. */
export async function untilIdle(api: Api): Promise<void> {
  const deadline = Date.now() + RECOVERY_MS;
  for (let open: number | undefined; ; ) {
    open = await openTasks(api);
    if (open === 0) return;
    if (Date.now() > deadline) throw new Error(`${open ?? "unknown"} tasks do not become final`);
    await sleep(50);
  }
}

/** Undefined while the database comes back. */
async function openTasks(api: Api): Promise<number | undefined> {
  try {
    return (await api.get("tasks/?state__in=waiting,running,canceling&limit=1")).count;
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    return undefined;
  }
}
