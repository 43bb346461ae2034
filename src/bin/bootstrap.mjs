#!/usr/bin/env node
// Plain JavaScript for any Node >= 20: installs what is missing, then runs the wanted program under
// the pinned runtime. Everything else is TypeScript, which only that runtime reads.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, constants } from "node:os";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const modules = join(root, "node_modules");
const runtime = join(modules, "node", "bin", process.platform === "win32" ? "node.exe" : "node");
const stamp = join(modules, ".deckle-installed");
const lockFolder = join(root, ".deckle", "installing");
/** Compiled sources: they halve what it costs to start a process. */
const compiled = join(root, ".deckle", "compiled");

// Not `--disable-proto=throw`: the HTTP parser looks each header up by its name, so that a header
// called __proto__ would end the process.
const SERVER_FLAGS = ["--max-semi-space-size=16", "--disable-proto=delete"];
const BIOME = "node_modules/@biomejs/biome/bin/biome";

const CORES = availableParallelism();
const CLIENT_TESTS = "test/clients/*.test.ts";

/** What can be run: steps of runtime flags, file and first parameters. */
const PROGRAMS = {
  start: [[...SERVER_FLAGS, "src/bin/start.ts"]],
  api: [[...SERVER_FLAGS, "src/bin/api.ts"]],
  content: [[...SERVER_FLAGS, "src/bin/content.ts"]],
  worker: [["src/bin/worker.ts"]],
  manager: [["src/bin/manager.ts"]],
  operator: [["src/bin/operator.ts"]],
  test: [["test/support/run.ts"]],
  check: [
    ["node_modules/typescript/bin/tsc", "--noEmit", "-p", "."],
    [BIOME, "check", "--error-on-warnings", "."],
    ["--test", "test/house/*.test.ts"],
  ],
  format: [[BIOME, "check", "--write", "."]],
  docs: generators().map((file) => [`tools/${file}`]),
  bench: [["bench/run.ts"]],
  clients: [["--test", `--test-concurrency=${CORES + 1}`, "--test-timeout=600000", CLIENT_TESTS]],
  chaos: [["tools/chaos.ts"]],
  fuzz: [["tools/fuzz-api.ts"]],
  parity: [
    [
      "tools/openapi-parity.ts",
      "--candidate",
      "openapi/deckle.json",
      "--owed",
      "openapi/owed.json",
    ],
    ["tools/openapi-parity.ts", "--domains", "--owed", "openapi/owed.json"],
  ],
};

/** Names under which this file is linked as an executable. */
const ALIASES = {
  deckle: "start",
  "pulpcore-api": "api",
  "pulpcore-content": "content",
  "pulpcore-worker": "worker",
  "pulpcore-manager": "manager",
  "deckle-operator": "operator",
};

const called = basename(process.argv[1] ?? "", ".mjs");
const [name, ...rest] =
  called in ALIASES ? [ALIASES[called], ...process.argv.slice(2)] : process.argv.slice(2);
const steps = PROGRAMS[name];
if (!steps) {
  fail(`There is no program "${name ?? ""}"; there are: ${Object.keys(PROGRAMS).join(", ")}.`);
}

await ensureInstalled();
await run(steps, rest);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Programs that write the reference pages; an installation without tools has none. */
function generators() {
  const tools = join(root, "tools");
  const files = existsSync(tools) ? readdirSync(tools) : [];
  return files.filter((file) => /^generate-[\w-]+\.ts$/.test(file));
}

/** The content of the lock file, so that a checkout that only touches it installs nothing. */
function lockHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

function isInstalled() {
  if (!existsSync(runtime)) return false;
  if (existsSync(stamp)) return readFileSync(stamp, "utf8") === lockHash();
  const record = join(modules, ".package-lock.json");
  const isFresh =
    existsSync(record) &&
    statSync(record).mtimeMs >= statSync(join(root, "package-lock.json")).mtimeMs;
  if (isFresh) writeStamp();
  return isFresh;
}

function writeStamp() {
  try {
    writeFileSync(stamp, lockHash());
  } catch {
    // A read-only installation is looked at again at the next start.
  }
}

/** One process installs, the others wait for it. */
async function ensureInstalled() {
  while (!isInstalled()) {
    if (!takeLock()) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    try {
      if (!isInstalled()) install();
    } finally {
      rmSync(lockFolder, { recursive: true, force: true });
    }
  }
}

function takeLock() {
  mkdirSync(join(root, ".deckle"), { recursive: true, mode: 0o700 });
  try {
    mkdirSync(lockFolder);
    writeFileSync(join(lockFolder, "pid"), String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") fail(`Cannot install: ${error.message}`);
    if (!isHeld()) rmSync(lockFolder, { recursive: true, force: true });
    return false;
  }
}

/** Whether the process that installs is alive; it may be about to write its number. */
function isHeld() {
  try {
    const pid = Number(readFileSync(join(lockFolder, "pid"), "utf8"));
    if (pid > 0) process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error.code === "EPERM") return true;
    if (error.code === "ESRCH") return false;
    try {
      return Date.now() - statSync(lockFolder).mtimeMs < 10_000;
    } catch {
      return false;
    }
  }
}

/** Quiet unless it fails. */
function install() {
  process.stderr.write("Installing what the program needs; this happens once.\n");
  const npm = process.env.npm_execpath;
  const parameters = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const [file, first] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const result = spawnSync(file, [...first, ...parameters], { cwd: root, encoding: "utf8" });
  if (result.error) fail(`npm cannot be run: ${result.error.message}`);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    fail("The installation failed; the lines above say why.");
  }
  if (!existsSync(runtime)) {
    fail("npm installed no runtime: installation scripts must be allowed (ignore-scripts=false).");
  }
  // Of the release before, too.
  rmSync(compiled, { recursive: true, force: true });
  writeStamp();
}

/** What was given belongs to the last step, or to all of them; files stand instead of a pattern. */
function commandOf(step, parameters, isLast) {
  const command = step.map(absolute);
  if (!isLast && name !== "docs") return command;
  if (step.at(-1) !== CLIENT_TESTS) return [...command, ...parameters];
  const files = parameters.filter((part) => !part.startsWith("-"));
  const flags = parameters.filter((part) => part.startsWith("-"));
  return [...command.slice(0, -1), ...flags, ...(files.length > 0 ? files : command.slice(-1))];
}

async function run(programSteps, parameters) {
  const env = {
    MALLOC_ARENA_MAX: "2",
    UV_THREADPOOL_SIZE: "16",
    NODE_COMPILE_CACHE: compiled,
    ...process.env,
  };
  for (const [index, step] of programSteps.entries()) {
    const isLast = index === programSteps.length - 1;
    // Programs other than the servers expect paths below the checkout.
    const cwd = step.some((part) => part.startsWith("src/bin/")) ? process.cwd() : root;
    const command = commandOf(step, parameters, isLast);
    if (isLast && programSteps.length === 1) replaceProcess(command, { env, cwd });
    const code = await runStep(command, { env, cwd });
    if (code !== 0) process.exit(code);
  }
}

function absolute(part) {
  return /^(src|test|tools|bench|node_modules)\//.test(part) ? join(root, part) : part;
}

/** Becomes the program, where Node can (>= 22.15), so that no process waits in between. */
function replaceProcess(command, { env, cwd }) {
  if (typeof process.execve !== "function") return;
  process.chdir(cwd);
  process.execve(runtime, [runtime, ...command], env);
}

/** Starts the runtime, hands signals on, and resolves to its exit code. */
function runStep(command, options) {
  const child = spawn(runtime, command, { ...options, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve) => {
    child.once("error", (error) => fail(`The runtime cannot be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 15)),
    );
  });
}
