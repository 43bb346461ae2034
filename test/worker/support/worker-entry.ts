import type { TestContext } from "node:test";
import { startWorker } from "#worker/supervisor.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { workerTasks } from "./tasks.ts";
import { entryOf } from "./worker.ts";

/** A worker as a process of its own, to be killed by tests. */
const beside = JSON.parse(process.argv[2] ?? "{}") as TestContextValue;
const settings = JSON.parse(process.argv[3] ?? "{}");
const t = { after: () => undefined } as unknown as TestContext;

const { ctx } = await createContext(t, { beside, settings, tasks: workerTasks, kind: "worker" });
const worker = startWorker(ctx, { childEntry: entryOf(beside, settings), slots: 1 });
process.once("SIGTERM", () => worker.stop("finish").then(() => process.exit(0)));
process.once("SIGINT", () => worker.stop("grace").then(() => process.exit(0)));
await worker.done;
