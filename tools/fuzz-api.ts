/**
 * Sends generated requests to a started server: no answer is a 5xx, each keeps to the description.
 *
 *   npm run fuzz -- [--examples 20] [--seed 1] [--operation REGEX] [--domains]
 *
 * Examples are per operation. With `--domains` the server has two of them. Uses the schemathesis of `tools/install-clients.sh`.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { client } from "../test/clients/support/python.ts";
import { type Api, createApi } from "../test/support/api.ts";
import { startServer } from "../test/support/server.ts";

/** What a conforming server owes; refusing unknown methods and types is told by the description. */
const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
];

/** Of each kind; requests delete some. */
const OBJECTS = 12;
const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

const { values } = parseArgs({
  options: {
    examples: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    operation: { type: "string" },
    domains: { type: "boolean", default: false },
  },
});
const DOMAINS = values.domains ? ["default", "tenant"] : [];
const rootOf = (domain?: string) => `/pulp/${domain === undefined ? "" : `${domain}/`}api/v3/`;
process.exitCode = await main();

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-fuzz-"));
  try {
    await using server = await startServer({
      env: {
        // Nobody beyond the loopback interface is asked.
        PULP_OSV_API_URL: "http://127.0.0.1:9",
        ...(values.domains ? { PULP_DOMAIN_ENABLED: "true" } : {}),
      },
    });
    const api = createApi(server, rootOf(DOMAINS[0]));
    const env = {
      SCHEMATHESIS_HOOKS: "fuzz_hooks",
      PYTHONPATH: import.meta.dirname,
      FUZZ_OBJECTS: JSON.stringify(await makeAllObjects(server, api)),
      FUZZ_DOMAINS: JSON.stringify(DOMAINS),
      FUZZ_CALLER: "1",
      FUZZ_SEED: values.seed,
    };
    const file = join(folder, "api.json");
    await writeFile(file, JSON.stringify(await api.get("docs/api.json?pk_path=1")));
    const operation = values.operation ? ["--include-operation-id-regex", values.operation] : [];
    const code = await run({ cwd: folder, env }, [
      ...["run", file, "--url", server.apiUrl, "--phases", "examples,coverage,fuzzing"],
      ...["--auth", `${server.username}:${server.password}`, "--checks", CHECKS.join()],
      ...["--max-examples", values.examples, "--seed", values.seed, "--workers", "2"],
      // Made-up credentials would be refused, and soon everything else with 429.
      ...["--generation-with-security-parameters", "false"],
      ...["--request-timeout", "10", "--continue-on-failure", ...operation],
    ]);
    // The caller still gets in: what was sent was not refused at the door.
    await api.get("users/1/");
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of every domain. */
async function makeAllObjects(server: Parameters<typeof createApi>[0], api: Api) {
  const domains: string[] = [];
  for (const name of DOMAINS.length > 0 ? [...DOMAINS, "spare-1", "spare-2", "spare-3"] : []) {
    if (name === "default") continue;
    const store = { storage_class: FILE_SYSTEM, storage_settings: { location: "" } };
    const { pulp_href } = await api.post("domains/", { name, ...store });
    domains.push(pulp_href.split("/").at(-2));
  }
  const users = await makeUsers(api);
  const made: Record<string, readonly string[]> = {};
  for (const domain of DOMAINS.length > 0 ? DOMAINS : [undefined]) {
    const root = rootOf(domain);
    Object.assign(made, await makeObjects(createApi(server, root)));
    made[`${root}users/`] = users;
    made[`${root}domains/`] = domains;
  }
  return made;
}

async function makeUsers(api: Api): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let n = 0; n < OBJECTS; n += 1) {
    const { pulp_href } = await api.post("users/", { username: `fuzz-${n}` });
    keys.push(pulp_href.split("/").at(-2));
  }
  return keys;
}

/** Objects of every kind for the requests to meet; keys by the path of their collection. */
async function makeObjects(api: Api): Promise<Readonly<Record<string, readonly string[]>>> {
  const made: Record<string, string[]> = {};
  const keep = (href: string) => {
    const [, collection = "", key = ""] = /^(.*\/)([^/]+)\/$/.exec(href) ?? [];
    made[collection] = [...(made[collection] ?? []), key];
    return href;
  };
  for (let n = 0; n < OBJECTS; n += 1) await makeSet(api, keep, `fuzz-${n}`);
  const { results } = await api.get("tasks/?limit=1000&fields=pulp_href");
  for (const { pulp_href } of results) keep(pulp_href);
  return made;
}

async function makeSet(api: Api, keep: (href: string) => string, name: string): Promise<void> {
  const post = async (path: string, body: unknown) => {
    const answer = await api.post(path, body);
    const href = answer.task ? (await api.done(answer)).created_resources[0] : answer.pulp_href;
    return keep(href);
  };
  const file = (content: string) => new Blob([content]);
  const artifact = new FormData();
  artifact.append("file", file(`artifact ${name}`), "a");
  const content = new FormData();
  content.append("file", file(`content ${name}`), "c");
  content.append("relative_path", name);
  const remote = await post("remotes/file/file/", {
    name,
    url: "http://127.0.0.1:9/PULP_MANIFEST",
    policy: "on_demand",
    max_retries: 0,
    total_timeout: 1,
  });
  const repository = await post("repositories/file/file/", { name });
  const unit = await post("content/file/files/", content);
  await api.done(await api.post(`${repository}modify/`, { add_content_units: [unit] }));
  await post("artifacts/", artifact);
  await post("uploads/", { size: 10 });
  await post("publications/file/file/", { repository });
  await post("distributions/file/file/", { name, base_path: name, repository });
  await post("acs/file/file/", { name, remote });
}

/** In a folder of its own, since it keeps its findings beside it. */
function run(
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
  args: readonly string[],
): Promise<number> {
  const child = spawn(client("schemathesis"), args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
