import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Api, ApiError } from "../../test/support/api.ts";
import { commandLine, listProcesses } from "../../test/support/process-tree.ts";
import type { Server } from "../../test/support/server.ts";

/** Everything is as before after this time, or never (R4); a machine that others use needs more. */
const patience = { recoveryMs: 40_000 };

export function setPatience(seconds: number): void {
  patience.recoveryMs = seconds * 1000;
}

/** False if the service has ended and has to be started. */
export async function untilAnswering(server: Server): Promise<boolean> {
  const deadline = Date.now() + patience.recoveryMs;
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
  const deadline = Date.now() + patience.recoveryMs;
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
  const deadline = Date.now() + patience.recoveryMs;
  for (let open: readonly string[] | undefined; ; ) {
    open = await openTasks(api);
    if (open?.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`tasks do not become final: ${open?.join(", ") ?? "unknown"}`);
    await sleep(50);
  }
}

/** Some of them, by state and name; undefined while the database comes back. */
async function openTasks(api: Api): Promise<readonly string[] | undefined> {
  try {
    const { results } = await api.get("tasks/?state__in=waiting,running,canceling&limit=5");
    return results.map(({ state, name }: Record<string, string>) => `${state} ${name}`);
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    return undefined;
  }
}
