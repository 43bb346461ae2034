import { runMain } from "#app/main.ts";
import { startCommand } from "#app/start.ts";

await runMain(() => startCommand(process.argv.slice(2)));
