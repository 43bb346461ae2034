import { runMain } from "#app/main.ts";
import { managerCommand } from "#app/manager.ts";

await runMain(() => managerCommand(process.argv.slice(2)));
