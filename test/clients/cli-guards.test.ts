import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { redirectKey, signedAddress } from "#core/guards/rules.ts";
import { blackBox } from "./support/black-box.ts";
import { command } from "./support/download.ts";

const PASSWORD = "long enough for eve";
const PATH = "/pulp/content/g/f";
const SECRET = "a secret of the tests, and of nobody else";
let file: string;

const box = blackBox({ env: { PULP_SECRET_KEY: SECRET } }, async ({ pulp, api, server }) => {
  file = `${server.contentUrl}${PATH}`;
  await writeFile(join(pulp.folder, "f"), "protected");
  await pulp.json("file", "repository", "create", "--name", "g", "--autopublish");
  await pulp.json(
    ...["file", "content", "upload", "--file", "f", "--relative-path", "f", "--repository", "g"],
  );
  const distribution = ["--name", "g", "--base-path", "g", "--repository", "g"];
  await pulp.json("file", "distribution", "create", ...distribution);
  await api.post("users/", { username: "eve", password: PASSWORD });
});

/** Status and body of a download. */
async function download(...args: readonly string[]) {
  const { stdout } = await command("curl", ["-sS", "-w", "\n%{http_code}", ...args]);
  const [body, code] = stdout.split("\n");
  return { status: Number(code), body };
}

async function statusBecomes(wanted: number, ...args: readonly string[]): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const { status } = await download(...args);
    if (status === wanted) return;
    if (Date.now() > deadline) assert.equal(status, wanted);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const protect = (guard: string) =>
  box.pulp.json("file", "distribution", "update", "--name", "g", "--content-guard", guard);
const guard = (...args: readonly string[]) => box.pulp.json("content-guard", ...args);
const names = (guards: readonly { readonly name: string }[]) => guards.map(({ name }) => name);
const base64 = (text: string) => Buffer.from(text).toString("base64");

test("a header guard is made, seen, changed and asked", async () => {
  const values = ["--header-name", "x-key", "--header-value", "one"];
  const made = await guard("header", "create", "--name", "h", ...values);
  assert.deepEqual([made.header_name, made.header_value], ["x-key", "one"]);
  const filtered = ["header", "create", "--name", "j", ...values, "--jq-filter"] as const;
  assert.match(await box.pulp.fails("content-guard", ...filtered, ".a |"), /valid jq filter/);
  assert.deepEqual(names(await guard("header", "list")), ["h"]);
  assert.equal((await guard(...filtered, ".org.id")).jq_filter, ".org.id");
  await protect("core:header:j");
  await statusBecomes(403, file);
  const json = (id: string) => ["-H", `X-Key: ${base64(JSON.stringify({ org: { id } }))}`];
  assert.equal((await download(...json("two"), file)).status, 403);
  assert.deepEqual(await download(...json("one"), file), { status: 200, body: "protected" });
  await protect("core:header:h");
  await statusBecomes(403, ...json("one"), file);
  const header = (value: string) => ["-H", `X-Key: ${base64(value)}`];
  assert.deepEqual(await download(...header("one"), file), { status: 200, body: "protected" });

  await guard("header", "update", "--name", "h", "--header-value", "two");
  assert.equal((await guard("header", "show", "--name", "h")).header_value, "two");
  assert.equal((await download(...header("one"), file)).status, 403);
  assert.equal((await download(...header("two"), file)).status, 200);
});

test("a redirect guard asks for a signed address", async () => {
  const { pulp_href: href } = await guard("redirect", "create", "--name", "r");
  await guard("redirect", "update", "--name", "r", "--description", "signed");
  assert.equal((await guard("redirect", "show", "--name", "r")).description, "signed");
  await protect("core:content_redirect:r");
  await statusBecomes(403, "-H", `X-Key: ${base64("two")}`, file);
  const key = redirectKey(SECRET, href.split("/").at(-2) ?? "") ?? Buffer.alloc(0);
  const expires = Math.floor(Date.now() / 1000) + 60;
  const target = signedAddress(PATH, { key, salt: Buffer.from("salt"), expires });
  const signed = `${box.server.contentUrl}${target}`;
  assert.deepEqual(await download(signed), { status: 200, body: "protected" });
  assert.equal((await download(signed.replace(/.$/, "x"))).status, 403);
});

test("an RBAC guard asks for a user to whom it was assigned", async () => {
  await guard("rbac", "create", "--name", "b");
  await guard("rbac", "update", "--name", "b", "--description", "people");
  await protect("core:rbac:b");
  const eve = ["-u", `eve:${PASSWORD}`];
  await statusBecomes(403, file);
  assert.equal((await download(...eve, file)).status, 403);
  const admin = `admin:${box.server.password}`;
  assert.equal((await download("-u", admin, file)).status, 200);

  await guard("rbac", "assign", "--name", "b", "--user", "eve");
  assert.deepEqual(await download(...eve, file), { status: 200, body: "protected" });
  const { users } = await guard("rbac", "show", "--name", "b");
  assert.ok(users.some(({ username }: { username: string }) => username === "eve"));
  assert.equal((await download("-u", "eve:wrong", file)).status, 403);
  await guard("rbac", "remove", "--name", "b", "--user", "eve");
  assert.equal((await download(...eve, file)).status, 403);
});

test("a composite guard lets pass what a member lets pass", async () => {
  const members = ["--guard", "core:header:h", "--guard", "core:rbac:b"];
  const made = await guard("composite", "create", "--name", "c", ...members);
  assert.equal(made.guards.length, 2);
  await protect("core:composite:c");
  await statusBecomes(200, "-H", `X-Key: ${base64("two")}`, file);
  assert.equal((await download("-u", `admin:${box.server.password}`, file)).status, 200);
  assert.match((await download(file)).body ?? "", /^403: Access forbidden\. Refusals: \[/);
  await guard("composite", "update", "--name", "c", "--guard", "core:rbac:b");
  assert.equal((await download("-H", `X-Key: ${base64("two")}`, file)).status, 403);
});

test("roles of a guard are listed, and guards go", async () => {
  const role = ["--role", "core.rbaccontentguard_viewer", "--user", "eve"];
  await guard("rbac", "role", "add", "--name", "b", ...role);
  const listed = await guard("rbac", "role", "list", "--name", "b");
  assert.ok(listed.roles.some(({ users }: { users: string[] }) => users.includes("eve")));
  await guard("rbac", "role", "remove", "--name", "b", ...role);
  assert.deepEqual(names(await guard("list")).sort(), ["b", "c", "h", "j", "r"]);
  const types = [
    ["header", "h"],
    ["header", "j"],
    ["redirect", "r"],
    ["rbac", "b"],
    ["composite", "c"],
  ] as const;
  for (const [type, name] of types) await guard(type, "destroy", "--name", name);
  assert.deepEqual(await guard("list"), []);
  await statusBecomes(200, file);
});

test("no credential and no secret is in the log", async () => {
  const log = await readFile(box.server.logFile, "utf8");
  assert.ok(
    !log.includes(PASSWORD) && !log.includes(SECRET) && !log.includes(base64(`eve:${PASSWORD}`)),
  );
});
