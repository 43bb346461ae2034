import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "node:repl";
import { configure } from "../configure.ts";
import { type DatabaseTls, databaseTls, databaseUrl } from "../database-url.ts";
import { appErrors } from "../errors.ts";
import { type Command, openCommandRuntime, print } from "./command.ts";

export const dbshellCommand: Command = {
  name: "dbshell",
  usage: "[-- psql flags]",
  summary: "Opens psql on the database.",
  words: 100,
  async run({ rest }) {
    const { DATABASES } = configure().settings;
    // Here `require` checks no certificate, which the driver calls `no-verify`.
    const url = databaseUrl(DATABASES).replace("sslmode=no-verify", "sslmode=require");
    // The address goes through the environment: it may hold a password.
    const { password } = new URL(url);
    const shown = password === "" ? url : url.replace(`:${password}@`, "@");
    await using tls = await tlsVariables(databaseTls(DATABASES));
    const child = spawn("psql", [...rest, "--dbname", shown], {
      stdio: "inherit",
      env: {
        ...process.env,
        ...(password && { PGPASSWORD: decodeURIComponent(password) }),
        ...tls.variables,
      },
    });
    const started = await Promise.race([
      once(child, "exit").then(([code]) => Number(code ?? 1)),
      once(child, "error").then(() => undefined),
    ]);
    if (started === undefined) throw appErrors.usage("psql is not installed on this machine.");
    return started;
  },
};

/** psql takes an authority from a file only; it goes with the shell. */
async function tlsVariables(tls: DatabaseTls | undefined) {
  if (!tls) return { variables: {}, [Symbol.asyncDispose]: () => Promise.resolve() };
  const folder = await mkdtemp(join(tmpdir(), "deckle-psql-"));
  const file = join(folder, "authority.pem");
  await writeFile(file, tls.ca);
  return {
    variables: { PGSSLROOTCERT: file, PGSSLMODE: tls.isNamed ? "verify-full" : "verify-ca" },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

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
