import { appErrors } from "#app/errors.ts";
import { type Flags, readFlags } from "#app/flags.ts";
import { explained } from "#app/main.ts";
import { nearestName } from "#platform/config/nearest.ts";
import type { Terminal, Tool } from "./tool.ts";
import { tools } from "./tools.ts";

const FAILED = 1;
const INTERRUPTED = 130;

/**
 * `deckle-operator TOOL …`: resolves to the exit code of the tool, 1 with one sentence for what goes
 * wrong, 130 after an interrupt.
 */
export async function operatorCommand(parameters: readonly string[]): Promise<number> {
  const [given, ...rest] = parameters;
  if (given === undefined || ["help", "--help", "-h"].includes(given)) {
    process.stdout.write(`${overview()}\n`);
    return 0;
  }
  const tool = tools.find(({ name }) => sameName(name) === sameName(given));
  if (!tool) return unknown(given);
  if (tool.options && asksForHelp(rest)) {
    process.stdout.write(`${helpOf(tool)}\n`);
    return 0;
  }
  return runTool(tool, rest);
}

const sameName = (name: string): string => name.replaceAll("_", "-");

/** What comes after `--` is for somebody else. */
const asksForHelp = (words: readonly string[]): boolean => {
  const end = words.indexOf("--");
  return words.slice(0, end < 0 ? words.length : end).some((word) => /^(-h|--help)$/.test(word));
};

async function runTool(tool: Tool, parameters: readonly string[]): Promise<number> {
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  try {
    return await tool.run(toolFlags(tool, parameters), terminal(signal));
  } catch (error) {
    if (signal.aborted) {
      process.stderr.write(`${tool.name}: interrupted.\n`);
      return INTERRUPTED;
    }
    process.stderr.write(`${tool.name}: ${explained(error)}\n`);
    return FAILED;
  }
}

function toolFlags(tool: Tool, parameters: readonly string[]): Flags {
  if (!tool.options) return { text: {}, list: {}, on: {}, rest: parameters };
  const flags = readFlags(parameters, tool.options);
  const extra = flags.rest[tool.words ?? 0];
  if (extra !== undefined) throw appErrors.usage(`${tool.name} does not take '${extra}'.`);
  return flags;
}

const terminal = (signal: AbortSignal): Terminal => ({
  signal,
  environment: process.env,
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
});

/** The second signal ends the process at once, as if nobody listened. */
function listenForInterrupt(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.once(name, abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, abort);
    },
  };
}

function overview(): string {
  const width = Math.max(...tools.map(({ name }) => name.length)) + 2;
  const lines = tools.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  return ["Usage: deckle-operator TOOL [flags]", "", ...lines].join("\n");
}

function helpOf({ name, usage, summary, help = [] }: Tool): string {
  return [`Usage: deckle-operator ${name} ${usage}`, "", summary, ...help].join("\n");
}

function unknown(given: string): number {
  const nearest = nearestName(
    given,
    tools.map(({ name }) => name),
  );
  const hint = nearest ? ` Did you mean ${nearest}?` : "";
  process.stderr.write(`There is no tool '${given}'.${hint}\n\n${overview()}\n`);
  return FAILED;
}
