import { resolve } from "node:path";
import { nearestName } from "#platform/config/nearest.ts";
import { commandFlags, print } from "./commands/command.ts";
import { commands } from "./commands/index-of-commands.ts";
import { enterHome } from "./home-database.ts";
import { explained } from "./main.ts";
import { CORE_VERSION, ownRelease } from "./version.ts";

/**
 * `pulpcore-manager`, with `--home FOLDER` before the command for the data of a one-command start;
 * resolves to the exit code, 1 with `CommandError: …` for what goes wrong.
 */
export async function managerCommand(parameters: readonly string[]): Promise<number> {
  const [first = "", folder, ...others] = parameters;
  const isHome = first === "--home" && folder !== undefined;
  const [name, ...rest] = isHome ? others : parameters;
  if (name === "--version" || name === "version") {
    print(`${CORE_VERSION} (deckle ${ownRelease()})`);
    return 0;
  }
  if (name === undefined || ["help", "--help", "-h"].includes(name)) {
    print(overview());
    return 0;
  }
  const command = commands.find((one) => one.name === name);
  if (!command) return unknown(name);
  if (rest.includes("--help") || rest.includes("-h")) {
    print(`Usage: pulpcore-manager ${name} ${command.usage ?? ""}\n\n${command.summary}`);
    return 0;
  }
  try {
    await using stack = new AsyncDisposableStack();
    if (isHome) await enterHome(resolve(folder), stack);
    return await command.run(commandFlags(command, rest));
  } catch (error) {
    process.stderr.write(`CommandError: ${explained(error)}\n`);
    return 1;
  }
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  const usage = "Usage: pulpcore-manager [--home FOLDER] COMMAND [flags]";
  return [usage, "", "  --home FOLDER works on the data of `npm start`.", "", ...lines].join("\n");
}

function unknown(name: string): number {
  const nearest = nearestName(
    name,
    commands.map((command) => command.name),
  );
  const hint = nearest ? ` Did you mean ${nearest}?` : "";
  process.stderr.write(`Unknown command: '${name}'.${hint}\n\n${overview()}\n`);
  return 1;
}
