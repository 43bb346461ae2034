/**
 * Sends generated requests to a started server: no answer is a 5xx, each keeps to the description.
 *
 *   npm run fuzz -- [--examples 20] [--seed 1] [--operation REGEX]
 *
 * Examples are per operation. Uses the schemathesis of `tools/install-clients.sh`.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { client } from "../test/clients/support/python.ts";
import { createApi } from "../test/support/api.ts";
import { startServer } from "../test/support/server.ts";

/** What a conforming server owes; refusing unknown methods and types is told by the description. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
];

const { values } = parseArgs({
  options: {
    examples: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    operation: { type: "string" },
  },
});
process.exitCode = await main();

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-fuzz-"));
  try {
    await using server = await startServer();
    const document = await createApi(server).get("docs/api.json?pk_path=1");
    const file = join(folder, "api.json");
    await writeFile(file, JSON.stringify(document));
    const operation = values.operation ? ["--include-operation-id-regex", values.operation] : [];
    return await run(folder, [
      ...["run", file, "--url", server.apiUrl, "--phases", "examples,coverage,fuzzing"],
      ...["--auth", `${server.username}:${server.password}`, "--checks", CHECKS.join()],
      ...["--max-examples", values.examples, "--seed", values.seed, "--workers", "2"],
      ...["--request-timeout", "10", "--continue-on-failure", ...operation],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In a folder of its own, since it keeps its findings beside it. */
function run(cwd: string, args: readonly string[]): Promise<number> {
  const child = spawn(client("schemathesis"), args, { cwd, stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
