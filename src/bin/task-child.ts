import { runMain } from "#app/main.ts";
import { taskChild } from "#app/task-child.ts";

await runMain(taskChild);
