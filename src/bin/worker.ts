import { runMain } from "#app/main.ts";
import { workerCommand } from "#app/worker-command.ts";

await runMain(() => workerCommand(process.argv.slice(2)));
