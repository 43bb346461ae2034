import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer } from "../../support/api.ts";
import type { Server } from "../../support/server.ts";
import { client } from "./python.ts";

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The stock `pulp` command with a configuration of its own. */
export interface Cli extends AsyncDisposable {
  readonly folder: string;
  /** Runs a command whatever becomes of it. */
  run(...args: readonly string[]): Promise<Outcome>;
  /** Runs a command that must succeed; its JSON answer, undefined for none. */
  json(...args: readonly string[]): Promise<Answer>;
  /** Runs a command that must fail; what it said. */
  fails(...args: readonly string[]): Promise<string>;
}

export interface CliOptions {
  readonly apiUrl: string;
  readonly apiRoot: string;
  /** Settings that say who asks: `username`, `cert`, `client_id` and what belongs to them. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
}

/** The command for somebody with a password. */
export const createCli = (
  { apiUrl, username, password }: Pick<Server, "apiUrl" | "username" | "password">,
  apiRoot = "/pulp/",
): Promise<Cli> => createCliFor({ apiUrl, apiRoot, credentials: { username, password } });

/** The command for whoever the credentials are of. */
export async function createCliFor(options: CliOptions): Promise<Cli> {
  const { apiUrl, apiRoot, credentials } = options;
  const folder = await mkdtemp(join(tmpdir(), "deckle-cli-"));
  const config = join(folder, "cli.toml");
  const lines = Object.entries(credentials).map(([name, value]) => `${name} = "${value}"`);
  await writeFile(
    config,
    `[cli]
base_url = "${apiUrl}"
${lines.join("\n")}
api_root = "${apiRoot}"
domain = "default"
headers = []
verify_ssl = true
format = "json"
dry_run = false
timeout = 120
verbose = 0
`,
  );
  const command = client("pulp");
  const run = (...args: readonly string[]) =>
    new Promise<Outcome>((resolve) => {
      const settings = {
        cwd: folder,
        env: {
          ...{ PATH: process.env.PATH, HOME: folder, XDG_CACHE_HOME: join(folder, "cache") },
          ...options.env,
        },
        maxBuffer: 256 << 20,
      };
      execFile(command, ["--config", config, ...args], settings, (error, stdout, stderr) => {
        const status = error ? (typeof error.code === "number" ? error.code : 1) : 0;
        resolve({ status, stdout, stderr });
      });
    });
  return {
    folder,
    run,
    async json(...args) {
      const { status, stdout, stderr } = await run(...args);
      if (status !== 0) throw new Error(`pulp ${args.join(" ")} ended with ${status}: ${stderr}`);
      return stdout.trim() === "" ? undefined : JSON.parse(stdout);
    },
    async fails(...args) {
      const { status, stdout, stderr } = await run(...args);
      if (status === 0) throw new Error(`pulp ${args.join(" ")} succeeded: ${stdout}`);
      return stderr;
    },
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}
