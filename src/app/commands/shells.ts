import { spawn } from "node:child_process";
import { once } from "node:events";
import { start } from "node:repl";
import { configure } from "../configure.ts";
import { databaseUrl } from "../database-url.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";

export const dbshellCommand: Command = {
  name: "dbshell",
  usage: "[-- psql flags]",
  summary: "Opens psql on the database.",
  words: 100,
  async run({ rest }) {
    const url = databaseUrl(configure().settings.DATABASES);
    // The address goes through the environment: it may hold a password.
    const { password } = new URL(url);
    const shown = password === "" ? url : url.replace(`:${password}@`, "@");
    const child = spawn("psql", [...rest, "--dbname", shown], {
      stdio: "inherit",
      env: { ...process.env, ...(password && { PGPASSWORD: decodeURIComponent(password) }) },
    });
    const started = await Promise.race([
      once(child, "exit").then(([code]) => Number(code ?? 1)),
      once(child, "error").then(() => undefined),
    ]);
    if (started === undefined) throw appErrors.usage("psql is not installed on this machine.");
    return started;
  },
};

/** Lines that only Python has. */
const PYTHON =
  /^\s*(from\s+[\w.]+\s+import\b|import\s+[\w.]+\s*$|print\s|def\s+\w+\(.*\):|[\w.]+\.objects\.)/m;

export const shellCommand: Command = {
  name: "shell",
  usage: "[--command CODE]",
  summary: "Runs JavaScript with the program's context as `ctx`.",
  options: { command: { type: "string", short: "c" }, interface: { type: "string", short: "i" } },
  async run({ text }) {
    const code = text.command;
    if (code !== undefined && PYTHON.test(code)) {
      throw appErrors.usage(
        "This shell runs JavaScript, not Python; for users use reset-admin-password, createsuperuser and changepassword, for settings use settings, for keys rotate-db-key.",
      );
    }
    await using runtime = await openCommandRuntime();
    const ctx = runtime.createCtx("api");
    if (code !== undefined) {
      const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;
      const result: unknown = await new AsyncFunction("ctx", code)(ctx);
      if (result !== undefined) print(JSON.stringify(result, undefined, 2));
      return 0;
    }
    const shell = start({ prompt: "deckle> ", useGlobal: true });
    Object.assign(shell.context, { ctx });
    await once(shell, "exit");
    return 0;
  },
};
