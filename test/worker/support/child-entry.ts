import type { TestContext } from "node:test";
import { serveChild } from "#worker/serve-child.ts";
import { createContext, type TestContextValue } from "../../support/context.ts";
import { workerTasks } from "./tasks.ts";

/** What a child of the tests is: the context of its supervisor, built again. */
const beside = JSON.parse(process.argv[2] ?? "{}") as TestContextValue;
const settings = JSON.parse(process.argv[3] ?? "{}");
const cleanUps: (() => unknown)[] = [];
const t = { after: (work: () => unknown) => cleanUps.push(work) } as unknown as TestContext;

const { ctx } = await createContext(t, { beside, settings, tasks: workerTasks, kind: "worker" });
await serveChild(ctx);
for (const cleanUp of cleanUps) await cleanUp();
