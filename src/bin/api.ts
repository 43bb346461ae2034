import { runMain } from "#app/main.ts";
import { apiCommand } from "#app/serve-role.ts";

await runMain(() => apiCommand(process.argv.slice(2)));
