import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import pg from "pg";
import { compose } from "#app/composition.ts";
import { shippedPlugins } from "#app/plugins.ts";
import { uuid7 } from "#base/uuid7.ts";
import type { SealedTable } from "#core/plugin-contract.ts";
import { createSecrets, generateFernetKey, parseFernetKey } from "#platform/crypto/fernet.ts";
import { createDatabase } from "../support/database.ts";
import { runProgram, startProgram, temporaryFolder } from "./program.ts";

/** Written by the reference release's own library. */
const PEER = {
  key: "eT-8L3JsxQ6TOshbDqc6Zj3tNNNzYieURu-WKfFNY1U=",
  password:
    "gAAAAABrC76xSpj0uQ7p81bm6WT1u1PONjKG8rD8x5obxvLBCgmz8QIhCR3P0MG0WirQvUyEdXP2hzDZaLBUsvXYEUK_sOdbPi1guYHFItJseu4Wd6jwZhw=",
  bucket:
    "gAAAAABrC76xxq9Ioe3utc3p0AZfg81JDoVKn4UsSTxevfaZTwxt9tI2gnXdF0FW3lOLvQrs83cYKR1Gc-L7ofPpoQpm6LMqUg==",
};
const PEER_PASSWORD = "grüße from the peer\n";

const tables = compose(shippedPlugins).plugins.flatMap(({ sealed = [] }) => sealed);

function tableOf(name: string): SealedTable {
  const found = tables.find(({ table }) => table === name);
  assert.ok(found, name);
  return found;
}

/** The box of one key. */
function boxOf(text: string) {
  const key = parseFernetKey(text);
  assert.ok(key);
  return createSecrets([key]);
}

/** The database goes before its clients do, which is no error. */
async function connect(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  t.after(() => client.end());
  return client;
}

async function createSite(t: TestContext, keys: readonly string[]) {
  const folder = await temporaryFolder(t);
  const { url } = await createDatabase(t);
  const keyFile = join(folder, "key");
  const setKeys = (lines: readonly string[]) => writeFileSync(keyFile, `${lines.join("\n")}\n`);
  setKeys(keys);
  const environment = {
    DATABASE_URL: url,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: keyFile,
    PULP_SECRET_KEY: "x",
  };
  const client = await connect(t, url);
  const query = async (text: string, values: readonly unknown[] = []) =>
    (await client.query<Record<string, unknown>>(text, [...values])).rows;
  await query("insert into domain (id, name, storage_class) values ($1, 'default', 'x')", [
    uuid7(),
  ]);
  const command: [string, ...string[]] = ["manager", "rotate-db-key"];
  return {
    url,
    query,
    setKeys,
    rotate: () => runProgram(t, command, { environment }),
    start: () => startProgram(t, command, environment),
  };
}
type Site = Awaited<ReturnType<typeof createSite>>;

/** A row of each sealed table, every column sealed by `seal`; more columns where a table needs them. */
async function fillAll({ query }: Site, seal: (text: string) => string): Promise<void> {
  const needed: Readonly<Record<string, string>> = {
    remote: "domain, type, name, url",
    task: "domain, seq, name",
    task_schedule: "domain, name, task_name",
    python_pull_key: "domain",
    container_token_key: "kid, algorithm",
    signing_service: "name, kind, public_key, fingerprint, script",
  };
  const values: Readonly<Record<string, string>> = {
    remote: "1, 'file.file', gen_random_uuid()::text, 'http://up.test/'",
    task: "1, nextval('task_seq'), 'x'",
    task_schedule: "1, gen_random_uuid()::text, 'x'",
    python_pull_key: "1",
    container_token_key: "gen_random_uuid()::text, 'ES256'",
    signing_service: "gen_random_uuid()::text, 'x', '', '', ''",
  };
  /** A domain has one of these. */
  const once: Readonly<Record<string, string>> = {
    python_pull_key: "on conflict (domain) do update set secret = excluded.secret",
  };
  for (const { table, columns, isJson } of tables) {
    const cells = columns.map((column) =>
      isJson ? JSON.stringify({ a: seal(`"${column}"`), b: [seal("1")] }) : seal(column),
    );
    if (table === "domain") {
      await query(`update domain set ${columns[0]} = $1`, cells);
      continue;
    }
    const marks = cells.map((_, index) => `$${index + 1}`).join(", ");
    assert.ok(needed[table], `the test knows how to fill ${table}`);
    await query(
      `insert into ${table} (id, ${needed[table]}, ${columns.join(", ")})
       values (gen_random_uuid(), ${values[table]}, ${marks}) ${once[table] ?? ""}`,
      cells,
    );
  }
}

/** Every token of a sealed table, leaves of JSON one by one. */
async function tokensOf({ query }: Site, { table, columns }: SealedTable): Promise<string[]> {
  const rows = await query(`select ${columns.join(", ")} from ${table}`);
  return [...JSON.stringify(rows).matchAll(/"(gAAAA[\w-]+=*)"/g)].map(([, token = ""]) => token);
}

/** How many tokens of each table the one key opens; throws for one that it does not. */
async function opened(site: Site, key: string): Promise<Readonly<Record<string, number>>> {
  const box = boxOf(key);
  const counts = tables.map(async (table) => {
    const tokens = await tokensOf(site, table);
    for (const token of tokens) box.open(token);
    return [table.table, tokens.length] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

test("every sealed column comes under the first of several keys, tokens of the peer included", async (t) => {
  const [first, second, third] = [generateFernetKey(), generateFernetKey(), generateFernetKey()];
  const site = await createSite(t, [third, second, first, PEER.key]);
  await fillAll(site, boxOf(first).seal);
  await fillAll(site, boxOf(second).seal);
  await site.query("update remote set password = $1, secrets_key = 'old'", [PEER.password]);
  await site.query("update domain set storage_settings = $1", [{ bucket_name: PEER.bucket }]);

  const { code, out } = await site.rotate();

  assert.equal(code, 0, out);
  assert.deepEqual(await opened(site, third), {
    remote: 10,
    domain: 1,
    task: 2,
    task_schedule: 2,
    signing_service: 2,
    python_pull_key: 1,
    container_token_key: 2,
  });
  const [remote] = await site.query("select password, secrets_key from remote");
  assert.equal(boxOf(third).open(String(remote?.password)), PEER_PASSWORD);
  assert.equal(remote?.secrets_key, boxOf(third).keyName);
  const [domain] = await site.query("select storage_settings->>'bucket_name' as b from domain");
  assert.equal(boxOf(third).open(String(domain?.b)), '"peer-bucket"');
});

test("a rotation that is killed loses nothing, and the next one finishes", async (t) => {
  const [old, fresh] = [generateFernetKey(), generateFernetKey()];
  const site = await createSite(t, [fresh, old]);
  await fillAll(site, boxOf(old).seal);
  const before = await tokensOf(site, tableOf("task"));
  const held = await connect(t, site.url);
  await held.query("begin");
  await held.query("select from task for update");

  const program = site.start();
  await program.says(/Updating arguments on Task\./);
  program.child.kill("SIGKILL");
  await program.ended;
  await held.query("rollback");

  for (const token of await tokensOf(site, tableOf("remote"))) boxOf(fresh).open(token);
  assert.deepEqual(
    await tokensOf(site, tableOf("task")),
    before,
    "the model under way is as it was",
  );
  assert.equal((await site.rotate()).code, 0);
  assert.deepEqual(await opened(site, fresh), {
    ...{
      remote: 5,
      domain: 2,
      task: 1,
      task_schedule: 1,
      signing_service: 1,
      python_pull_key: 1,
      container_token_key: 1,
    },
  });
});

test("a secret that is changed meanwhile keeps its new value", async (t) => {
  const [old, fresh] = [generateFernetKey(), generateFernetKey()];
  const site = await createSite(t, [fresh, old]);
  await fillAll(site, boxOf(old).seal);
  const writer = await connect(t, site.url);
  await writer.query("begin");
  await writer.query("update remote set password = $1", [boxOf(old).seal("changed")]);

  const program = site.start();
  await program.says(/on Remote\./);
  await waiting(site);
  await writer.query("commit");

  assert.equal(await program.ended, 0);
  const [remote] = await site.query("select password, username from remote");
  assert.equal(boxOf(fresh).open(String(remote?.password)), "changed");
  assert.equal(boxOf(fresh).open(String(remote?.username)), "username");
});

/** Resolves when somebody waits for the row. */
async function waiting({ query }: Site): Promise<void> {
  for (;;) {
    const rows = await query(
      "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    if (rows.length > 0) return;
  }
}

test("what no key opens is named and left, and the rest goes on", async (t) => {
  const [old, fresh, lost] = [generateFernetKey(), generateFernetKey(), generateFernetKey()];
  const site = await createSite(t, [fresh, old]);
  await fillAll(site, boxOf(old).seal);
  const token = boxOf(lost).seal("gone");
  await site.query("update remote set password = $1, secrets_key = 'old'", [token]);

  const { code, out } = await site.rotate();

  assert.equal(code, 1);
  assert.match(out, /^No key opens password of Remote [-0-9a-f]{36}\.$/m);
  assert.match(out, /^1 secrets were left as they are/m);
  assert.ok(!out.includes("gAAAA"), "no token is printed");
  const [remote] = await site.query("select password, username, secrets_key from remote");
  assert.equal(remote?.password, token);
  assert.equal(boxOf(fresh).open(String(remote?.username)), "username");
  assert.equal(remote?.secrets_key, "old");
  for (const sealed of tables.filter(({ table }) => table !== "remote")) {
    for (const each of await tokensOf(site, sealed)) boxOf(fresh).open(each);
  }
});
