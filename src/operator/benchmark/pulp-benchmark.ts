import { homedir } from "node:os";
import { join } from "node:path";
import { appErrors } from "#app/errors.ts";
import { type Flags, readFlags } from "#app/flags.ts";
import { type Connection, connectionOf, connectionOptions } from "../client/connection.ts";
import { ServerClient } from "../client/server-client.ts";
import type { Terminal, Tool } from "../tool.ts";
import type { BenchmarkCommand } from "./command.ts";
import { rdsConnectionTests } from "./connection-tests.ts";
import { testRandomResources, testTaskInsertion } from "./insertion.ts";
import { pluginCommands } from "./plugins.ts";
import { taskAnalysis } from "./task-analysis.ts";

const BUILT_IN = [testTaskInsertion, testRandomResources, taskAnalysis, rdsConnectionTests];
const API_ROOT = "http://localhost:24817/api";

const globals = {
  ...connectionOptions,
  "debug-requests": { type: "boolean" },
  client: { type: "string" },
  "plugin-dir": { type: "string" },
} as const;

export const pulpBenchmark: Tool = {
  name: "pulp_benchmark",
  usage: "[--api-root URL] [--user NAME --password P] … COMMAND [flags]",
  summary: "Measures the queue of a server, and the connections to its database.",
  async run({ rest: words }, terminal) {
    const commands = await allCommands(words);
    const names = new Set(commands.map(({ name }) => name));
    const at = words.findIndex((word) => names.has(word));
    const command = commands.find(({ name }) => name === words[at]);
    if (!command || words.some((word) => word === "--help" || word === "-h")) {
      const problem = words.find((word) => !word.startsWith("-"));
      return describe(command, { commands, problem, terminal });
    }
    const flags = readFlags(words.toSpliced(at, 1), { ...globals, ...command.options });
    const [extra] = flags.rest;
    if (extra !== undefined) throw appErrors.usage(`${command.name} does not take '${extra}'.`);
    return runCommand(command, flags, terminal);
  },
};

async function runCommand(
  command: BenchmarkCommand,
  flags: Flags,
  terminal: Terminal,
): Promise<number> {
  const kind = flags.text.client ?? "async";
  if (kind !== "async" && kind !== "sync") {
    throw appErrors.usage(`--client must be async or sync, not '${kind}'.`);
  }
  const { connection, apiPath } = await targetOf(flags, terminal);
  const debugs = flags.on["debug-requests"] === true;
  const onAnswer = (request: string, status: number, ms: number) =>
    terminal.note(`${request} → ${status} in ${ms.toFixed(0)} ms`);
  await using client = new ServerClient(connection, terminal.signal, {
    ...{ connections: 10_000, keepsAlive: kind === "async" },
    ...(debugs ? { onAnswer } : {}),
  });
  return await command.run({ client, apiPath, flags, terminal });
}

/** `--api-root` is a whole address here: `https://host/api`. */
async function targetOf(
  flags: Flags,
  terminal: Terminal,
): Promise<{ readonly connection: Connection; readonly apiPath: string }> {
  const root = flags.text["api-root"] ?? API_ROOT;
  const url = URL.canParse(root) ? new URL(root) : undefined;
  if (!url) throw appErrors.usage(`--api-root must be an address like ${API_ROOT}, not '${root}'.`);
  const text = { ...flags.text, "base-url": url.origin, "api-root": "/" };
  const connection = await connectionOf({ ...flags, text }, terminal.environment);
  return { connection, apiPath: url.pathname.replace(/\/+$/, "") };
}

async function allCommands(words: readonly string[]): Promise<readonly BenchmarkCommand[]> {
  const at = words.findIndex((word) => /^--plugin-dir(?:=|$)/.test(word));
  const given = at < 0 ? undefined : (words[at]?.split("=")[1] ?? words[at + 1]);
  const folder = given ?? join(homedir(), ".config", "deckle", "benchmark");
  const found = await pluginCommands(folder, given === undefined);
  const twice = found.find(({ name }) => BUILT_IN.some((own) => own.name === name));
  if (twice) throw appErrors.usage(`${folder} has another command '${twice.name}'.`);
  return [...BUILT_IN, ...found];
}

function describe(
  command: BenchmarkCommand | undefined,
  to: {
    readonly commands: readonly BenchmarkCommand[];
    readonly problem: string | undefined;
    readonly terminal: Terminal;
  },
): number {
  if (command) {
    to.terminal.print(`Usage: deckle-operator pulp_benchmark ${command.name} ${command.usage}`);
    to.terminal.print(`\n${command.summary}`);
    return 0;
  }
  const width = Math.max(...to.commands.map(({ name }) => name.length)) + 2;
  const lines = [
    "Usage: deckle-operator pulp_benchmark [flags] COMMAND [flags]",
    "",
    ...to.commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    `  --api-root URL      scheme, host and the path before /pulp/; ${API_ROOT}`,
    "  --user NAME --password P, --cert FILE --key FILE, --no-verify-ssl, --profile NAME",
    "  --client KIND       async keeps connections, sync makes one for each request",
    "  --debug-requests    shows every request on standard error",
    "  --plugin-dir FOLDER more commands: each module exports one; ~/.config/deckle/benchmark",
  ];
  for (const line of lines) to.terminal.print(line);
  return to.problem === undefined ? 0 : 1;
}
