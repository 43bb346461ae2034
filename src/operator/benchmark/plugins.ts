import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { operatorErrors } from "../errors.ts";
import type { BenchmarkCommand } from "./command.ts";

const MODULE = /^[\w-]+\.(?:m?js|m?ts)$/;

/**
 * Commands of the modules of a folder: each exports `command`.
 *
 * @param isOptional a folder that does not exist has none
 * @throws `operatorErrors.file` that names the module that has no command
 */
export async function pluginCommands(
  folder: string,
  isOptional: boolean,
): Promise<readonly BenchmarkCommand[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (isOptional && error.code === "ENOENT") return [];
    throw operatorErrors.file(folder, error.code ?? error.message);
  });
  const files = names.filter((name) => MODULE.test(name)).sort();
  return Promise.all(files.map((name) => commandOf(resolve(join(folder, name)))));
}

async function commandOf(file: string): Promise<BenchmarkCommand> {
  const { command }: { readonly command?: Partial<BenchmarkCommand> } = await import(
    pathToFileURL(file).href
  );
  if (typeof command?.name !== "string" || typeof command.run !== "function") {
    throw operatorErrors.file(file, "it exports no `command` with `name` and `run`");
  }
  const { name, run } = command;
  const { usage = "", summary = "", options = {} } = command;
  return { name, usage, summary, options, run: (bench) => run.call(command, bench) };
}
