import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { createCli } from "./support/cli.ts";
import { command } from "./support/download.ts";

let file: string;
const secrets: string[] = [];

const box = blackBox({}, async ({ pulp, api, server }) => {
  file = `${server.contentUrl}/pulp/content/t/f`;
  await writeFile(join(pulp.folder, "f"), "protected");
  await pulp.json("file", "repository", "create", "--name", "t", "--autopublish");
  await pulp.json(
    ...["file", "content", "upload", "--file", "f", "--relative-path", "f", "--repository", "t"],
  );
  const { prn } = await api.post("contentguards/core/rbac/", { name: "t" });
  const distribution = ["--name", "t", "--base-path", "t", "--repository", "t"];
  const guard = ["--content-guard", "core:rbac:t"];
  await pulp.json("file", "distribution", "create", ...distribution, ...guard);
  assert.match(prn, /^prn:core\.rbaccontentguard:/);
});

async function make(name: string, json: object): Promise<string> {
  const { token } = await box.api.post("tokens/", { name, ...json });
  secrets.push(token);
  return token;
}

/** Status of a request with curl. */
async function curl(...args: readonly string[]): Promise<number> {
  const words = ["-sS", "-o", "-", "-w", "\n%{http_code}", ...args];
  const { stdout } = await command("curl", words);
  return Number(stdout.split("\n").at(-1));
}

test("pulp works with a token as its password, as far as the token reaches", async () => {
  const username = "__token__";
  await using writer = await createCli({
    ...{ ...box.server, username, password: await make("writer", { scopes: ["*"] }) },
  });
  await using reader = await createCli({
    ...{ ...box.server, username, password: await make("reader", { scopes: ["read"] }) },
  });

  await writer.json("file", "repository", "create", "--name", "by-token");
  const names = (await reader.json("file", "repository", "list")).map(
    ({ name }: { name: string }) => name,
  );
  assert.ok(names.includes("by-token"));
  const refusal = await reader.fails("file", "repository", "create", "--name", "no");
  assert.match(refusal, /is not authorized/);
  await writer.json("file", "repository", "destroy", "--name", "by-token");
});

test("curl fetches guarded files and the API with a token, until it is revoked", async () => {
  const token = await make("curl", { scopes: ["read"] });
  const status = `${box.server.apiUrl}/pulp/api/v3/users/`;
  const ways = [
    ["-H", `Authorization: Bearer ${token}`],
    ["-u", `__token__:${token}`],
  ];

  assert.equal(await curl(file), 403);
  for (const way of ways) assert.equal(await curl(...way, file), 200);
  for (const way of ways) assert.equal(await curl(...way, status), 200);
  const [{ pulp_href: href }] = (await box.api.get("tokens/?name=curl")).results;
  await box.api.post(`${href}revoke/`);
  const deadline = Date.now() + 5000;
  while ((await curl(...(ways[0] ?? []), file)) !== 403) assert.ok(Date.now() < deadline);
  for (const way of ways) assert.equal(await curl(...way, status), 401);
});

test("a token as the name of a user is in no log, and neither is any other", async () => {
  const token = await make("misplaced", { scopes: ["read"] });
  assert.equal(await curl("-u", `${token}:`, `${box.server.apiUrl}/pulp/api/v3/users/`), 401);

  const log = await readFile(box.server.logFile, "utf8");
  for (const secret of secrets) assert.ok(!log.includes(secret));
});
