import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { type Cli, createCli } from "./support/cli.ts";

/** What the client says to an answer 403. */
const DENIED = /Operation \w+ is not authorized/;
const PASSWORD = "long enough for anybody";

const people = new Map<string, Cli>();

const box = blackBox({}, async ({ pulp, server }, stack) => {
  for (const username of ["maker", "viewer", "stranger"]) {
    await pulp.json("user", "create", "--username", username, "--password", PASSWORD);
    people.set(username, stack.use(await createCli({ ...server, username, password: PASSWORD })));
  }
});

const pulp = (...args: readonly string[]) => box.pulp.json(...args);
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);

function as(username: string): Cli {
  const cli = people.get(username);
  if (!cli) throw new Error(`There is no ${username}.`);
  return cli;
}

test("users are made, seen, changed and removed", async () => {
  const made = await pulp("user", "create", "--username", "eve", "--password", PASSWORD);
  assert.equal(made.username, "eve");
  await pulp("user", "update", "--username", "eve", "--first-name", "Eve");
  assert.equal((await pulp("user", "show", "--username", "eve")).first_name, "Eve");
  assert.equal((await pulp("user", "list")).length, 5);
  await pulp("user", "destroy", "--username", "eve");
  assert.match(await box.pulp.fails("user", "show", "--username", "eve"), /Could not find/);
});

test("groups and their members", async () => {
  await pulp("group", "create", "--name", "crew");
  await pulp("group", "user", "add", "--group", "crew", "--username", "viewer");
  const members = await pulp("group", "user", "list", "--group", "crew");
  assert.deepEqual(
    members.map(({ username }: { username: string }) => username),
    ["viewer"],
  );
  assert.equal((await pulp("user", "show", "--username", "viewer")).groups[0].name, "crew");
  await pulp("group", "user", "remove", "--group", "crew", "--username", "viewer");
  assert.deepEqual(await pulp("group", "user", "list", "--group", "crew"), []);
  assert.deepEqual(names(await pulp("group", "list")), ["crew"]);

  const role = ["--role", "core.group_viewer", "--user", "viewer"];
  await pulp("group", "role", "add", "--name", "crew", ...role);
  const { roles } = await pulp("group", "role", "list", "--name", "crew");
  assert.deepEqual(
    roles.map((one: { role: string }) => one.role),
    ["core.group_owner", "core.group_viewer"],
  );
  await pulp("group", "role", "remove", "--name", "crew", ...role);
});

test("roles of one's own", async () => {
  const permissions = ["--permission", "core.view_group", "--permission", "core.view_task"];
  const made = await pulp("role", "create", "--name", "watcher", ...permissions);
  assert.deepEqual(made.permissions, ["core.view_group", "core.view_task"]);
  const update = ["--permission", "core.view_task", "--description", "Watches"];
  await pulp("role", "update", "--name", "watcher", ...update);
  const shown = await pulp("role", "show", "--name", "watcher");
  assert.deepEqual([shown.permissions, shown.description], [["core.view_task"], "Watches"]);
  assert.deepEqual(names(await pulp("role", "list", "--unlocked")), ["watcher"]);
  const refused = await box.pulp.fails("role", "destroy", "--name", "core.task_viewer");
  assert.match(refused, DENIED);
  assert.match(
    await box.pulp.fails("role", "create", "--name", "x", "--permission", "nonsense"),
    /is not in the format/,
  );
});

test("roles of users and groups, everywhere and on an object", async () => {
  const { pulp_href: object } = await pulp("file", "repository", "create", "--name", "given");
  const viewer = ["--role", "file.filerepository_viewer"];
  for (const holder of [
    ["user", "--username", "viewer"],
    ["group", "--group", "crew"],
  ] as const) {
    const [noun, ...who] = holder;
    const roles = (verb: string, ...args: readonly string[]) =>
      pulp(noun, "role-assignment", verb, ...who, ...args);
    const everywhere = await roles("add", "--role", "watcher", "--object", "");
    assert.deepEqual([everywhere.role, everywhere.content_object], ["watcher", null]);
    const onObject = await roles("add", ...viewer, "--object", object);
    assert.equal(onObject.content_object, object);
    const twice = [noun, "role-assignment", "add", ...who, ...viewer, "--object", object];
    assert.match(await box.pulp.fails(...twice), /already assigned/);

    const wanted = ["--role-in", "file.filerepository_viewer", "--object", object];
    assert.equal((await roles("list", ...wanted)).length, 1);
    assert.equal((await roles("list", "--object", "")).length, 1);
    await roles("remove", ...viewer, "--object", object);
    await roles("remove", "--role", "watcher", "--object", "");
    assert.deepEqual(await roles("list"), []);
  }
  await pulp("role", "destroy", "--name", "watcher");
  await pulp("group", "destroy", "--name", "crew");
});

test("access policies are shown, changed and reset", async () => {
  const tasks = ["--viewset-name", "tasks"];
  const before = await pulp("access-policy", "show", ...tasks);
  assert.equal(before.customized, false);
  const statements = [{ action: "*", principal: "admin", effect: "allow" }];
  await writeFile(join(box.pulp.folder, "statements"), JSON.stringify(statements));
  await pulp("access-policy", "update", ...tasks, "--statements", "@statements");
  const changed = await pulp("access-policy", "show", ...tasks);
  assert.deepEqual([changed.statements, changed.customized], [statements, true]);
  assert.match(await as("maker").fails("task", "list"), DENIED);
  await pulp("access-policy", "reset", ...tasks);
  const after = await pulp("access-policy", "show", ...tasks);
  assert.deepEqual([after.statements, after.customized], [before.statements, false]);
  assert.deepEqual(await as("stranger").json("task", "list"), []);
});

test("scenario: the maker sees its own, a viewer changes nothing, a stranger finds nothing", async () => {
  const creator = ["--role", "file.filerepository_creator", "--object", ""];
  await pulp("user", "role-assignment", "add", "--username", "maker", ...creator);
  const maker = as("maker");
  const viewer = as("viewer");
  const stranger = as("stranger");
  const repository = (...args: readonly string[]) => ["file", "repository", ...args];
  assert.match(await stranger.fails(...repository("create", "--name", "x")), DENIED);

  const { pulp_href: href } = await maker.json(...repository("create", "--name", "mine"));
  assert.deepEqual(names(await maker.json(...repository("list"))), ["mine"]);
  const mine = await maker.json(...repository("role", "my-permissions", "--name", "mine"));
  assert.ok(mine.permissions.includes("file.modify_filerepository"));

  const role = ["--name", "mine", "--role", "file.filerepository_viewer", "--user", "viewer"];
  await maker.json(...repository("role", "add", ...role));
  const { roles } = await maker.json(...repository("role", "list", "--name", "mine"));
  assert.deepEqual(
    roles.map((one: { role: string; users: string[] }) => [one.role, one.users]),
    [
      ["file.filerepository_owner", ["maker"]],
      ["file.filerepository_viewer", ["viewer"]],
    ],
  );
  assert.deepEqual(names(await viewer.json(...repository("list"))), ["mine"]);
  const change = repository("update", "--name", "mine", "--description", "yours");
  assert.match(await viewer.fails(...change), DENIED);
  assert.deepEqual(await stranger.json(...repository("list")), []);
  assert.match(await stranger.fails("show", "--href", href), /No FileRepository matches/);
  const anonymous = await fetch(new URL(href, box.server.apiUrl));
  assert.equal(anonymous.status, 401);

  await maker.json(...change);
  await maker.json(...repository("role", "remove", ...role));
  assert.deepEqual(await viewer.json(...repository("list")), []);
  await maker.json(...repository("destroy", "--name", "mine"));
});
