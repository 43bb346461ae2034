import { runMain } from "#app/main.ts";
import { contentCommand } from "#app/serve-role.ts";

await runMain(() => contentCommand(process.argv.slice(2)));
