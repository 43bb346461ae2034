import { runMain } from "#app/main.ts";
import { operatorCommand } from "#operator/launcher.ts";

await runMain(() => operatorCommand(process.argv.slice(2)));
