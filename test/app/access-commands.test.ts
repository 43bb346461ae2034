import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isWholeToken, tokenHash } from "#core/access/token-text.ts";
import { createSite } from "./manager-site.ts";

const ROLE = "file.filerepository_viewer";
const PERMISSION = "file.view_filerepository";

/** A site with a user, a group, a second domain and a repository. */
async function createPeople(t: TestContext) {
  const site = await createSite(t);
  const [first] = await site.query("select num from domain where name = 'default'");
  const [repository] = await site.query(
    `insert into repository (id, domain, type, name) values (gen_random_uuid(), $1, 'file.file', 'r')
     returning id`,
    [first?.num],
  );
  await site.query("insert into app_user (username, password) values ('eve', '!'), ('bob', '!')");
  await site.query("insert into app_group (name) values ('team')");
  await site.query(
    "insert into domain (id, name, storage_class) values (gen_random_uuid(), 'second', 'x')",
  );
  const told = async (...words: string[]) => {
    const { code, out, err } = await site.manage(words);
    assert.equal(code, 0, err);
    return out;
  };
  const refused = async (...words: string[]) => {
    const { code, out, err } = await site.manage(words);
    assert.deepEqual([code, out], [1, ""]);
    return err.replace(/^CommandError: /, "").trimEnd();
  };
  return { ...site, told, refused, prn: `prn:file.filerepository:${repository?.id}` };
}

test("commands about roles", async (t) => {
  const { told, refused, prn } = await createPeople(t);

  await t.test("a role is given everywhere, in a domain and on an object", async () => {
    assert.equal(
      await told("assign-role", ROLE, "--user", "eve"),
      `The user 'eve' has the role '${ROLE}' everywhere.\n`,
    );
    assert.match(await told("assign-role", ROLE, "--user", "eve"), /^The user 'eve' had the role/);
    await told("assign-role", ROLE, "--group", "team", "--domain", "second");
    await told("assign-role", ROLE, "--user", "eve", "--object", prn);
    const lines = (await told("list-roles", "--user", "eve")).trim().split("\n").sort();
    assert.deepEqual(lines, [`${ROLE}  ${prn}`, `${ROLE}  everywhere`].sort());
    assert.equal(await told("list-roles", "--group", "team"), `${ROLE}  domain second\n`);
    assert.ok((await told("list-roles")).split("\n").includes(ROLE));
  });

  await t.test("permissions are dumped by level", async () => {
    const row = { permission: PERMISSION, role: ROLE };
    assert.deepEqual(JSON.parse(await told("dump-permissions")), {
      user_model_permissions: [{ username: "eve", ...row }],
      group_model_permissions: [],
      user_domain_permissions: [],
      group_domain_permissions: [{ group: "team", ...row, domain: "second" }],
      user_object_permissions: [{ username: "eve", ...row, domain: "default", object: prn }],
      group_object_permissions: [],
    });
    const [head, ...lines] = (await told("dump-permissions", "--tabular")).trim().split("\n");
    assert.match(String(head), /^kind +name +permission +role +domain +object$/);
    assert.equal(lines.length, 3);
  });

  await t.test("a role is taken away where it was given", async () => {
    assert.match(
      await told("remove-role", ROLE, "--user", "eve", "--domain", "second"),
      /did not have/,
    );
    assert.match(await told("remove-role", ROLE, "--user", "eve"), /has lost the role/);
    await told("remove-role", ROLE, "--user", "eve", "--object", prn);
    assert.equal(await told("list-roles", "--user", "eve"), "");
  });

  await t.test("what is wrong is said", async () => {
    assert.equal(await refused("assign-role", ROLE), "Give either --user NAME or --group NAME.");
    assert.equal(await refused("assign-role", ROLE, "--user", "x"), "user 'x' does not exist");
    const eve = ["--user", "eve"];
    assert.match(await refused("assign-role", "none", ...eve), /name=none does not exist/);
    assert.match(await refused("assign-role", ROLE, ...eve, "--domain", "x"), /domain 'x'/);
    const nowhere = "prn:file.filerepository:00000000-0000-7000-8000-000000000000";
    assert.match(
      await refused("assign-role", ROLE, ...eve, "--object", nowhere),
      /There is no prn/,
    );
    const both = ["--domain", "second", "--object", prn];
    assert.match(await refused("assign-role", ROLE, ...eve, ...both), /exclude each other/);
  });
});

test("commands about tokens", async (t) => {
  const { manage, query } = await createPeople(t);
  const create = (...words: string[]) => manage(["create-token", ...words]);

  const made = await create(
    ...["ci", "--user", "eve", "--scope", "read", "--scope", "file.*"],
    ...["--domain", "second", "--days", "7"],
  );
  assert.equal(made.code, 0, made.err);
  const token = made.out.trimEnd();
  assert.ok(isWholeToken(token));
  const [row] = await query(
    "select *, round(extract(epoch from expires - created) / 86400)::int as days from api_token",
  );
  assert.deepEqual(row?.hash, tokenHash(token));
  assert.deepEqual([row?.scopes, row?.domains], [["read", "file.*"], ["second"]]);
  assert.equal(row?.days, 7);

  const forever = await create("old", "--user", "eve", "--scope", "*", "--forever");
  assert.equal(forever.code, 0, forever.err);
  const eve = ["--user", "eve", "--scope", "read", "--days", "1"];
  for (const [words, reason] of [
    [eve, /name of at most 150/],
    [["a", "--scope", "read", "--days", "1"], /Whose token/],
    [["a", ...eve, "--scope", "write"], /'write' is no scope/],
    [["a", ...eve, "--object", "x"], /is no PRN/],
    [["a", ...eve, "--days", "0"], /either --days/],
    [["a", "--user", "x", "--scope", "read", "--days", "1"], /user 'x' does not exist/],
    [["ci", ...eve], /must be unique/],
  ] as const) {
    const { code, out, err } = await create(...words);
    assert.deepEqual([code, out], [1, ""], words.join(" "));
    assert.match(err, reason);
  }

  const list = await manage(["list-tokens", "--user", "eve"]);
  assert.equal(list.out.includes(token), false);
  assert.match(list.out, /^\S{36} {2}eve {2}ci {3}read,file\.\* {2}in force {2}never used$/m);
  assert.equal((await manage(["list-tokens", "--user", "bob"])).out, "");

  const one = await manage(["revoke-token", String(row?.id)]);
  assert.equal(one.out, "Revoked 1 token.\n");
  const again = await manage(["revoke-token", String(row?.id)]);
  assert.match(again.err, /There is no token .* that could be revoked/);
  assert.match((await manage(["revoke-token", "x"])).err, /is no id/);
  assert.match((await manage(["revoke-token"])).err, /either the id/);
  assert.equal((await manage(["revoke-token", "--user", "eve"])).out, "Revoked 1 token.\n");
  assert.match((await manage(["list-tokens"])).out, /revoked/);
});
