import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { verifyPassword } from "#core/access/passwords.ts";
import {
  createSecrets,
  type FernetKey,
  generateFernetKey,
  parseFernetKey,
} from "#platform/crypto/fernet.ts";
import { createSite } from "./manager-site.ts";
import { runProgram } from "./program.ts";

test("commands about users", async (t) => {
  const { manage, query } = await createSite(t);

  await t.test("reset-admin-password makes the user", async () => {
    const { code, out } = await manage(["reset-admin-password", "--random"]);
    assert.equal(code, 0);
    const [, password = ""] =
      /^Successfully set "admin" user's password to "([A-Za-z0-9]{20})"\.\n$/.exec(out) ?? [];
    const [row] = await query("select password, is_superuser, is_staff from app_user");
    assert.deepEqual([row?.is_superuser, row?.is_staff], [true, true]);
    assert.equal(await verifyPassword(password, String(row?.password)), true);
  });

  await t.test("it asks twice", async () => {
    const good = await manage(["reset-admin-password"], "one\none\n");
    assert.equal(good.out, 'Successfully set password for "admin" user.\n');
    const differing = await manage(["reset-admin-password"], "one\ntwo\n");
    assert.match(differing.err, /CommandError: The passwords did not match\.\n$/);
    const empty = await manage(["reset-admin-password"], "\n\n");
    assert.match(empty.err, /CommandError: The password must be at least 1 character long\.\n$/);
    const both = await manage(["reset-admin-password", "--random", "-p", "x"]);
    assert.deepEqual([both.code, both.out], [1, ""]);
  });

  await t.test("createsuperuser and changepassword", async () => {
    const made = await manage(["createsuperuser", "--username", "zoe"], "first pass\nfirst pass\n");
    assert.equal(made.out, "Superuser created successfully.\n");
    const again = await manage(
      ["createsuperuser", "--username", "zoe"],
      "first pass\nfirst pass\n",
    );
    assert.match(again.err, /CommandError: This field must be unique\.\n$/);
    const weak = await manage(["changepassword", "zoe"], "123\n123\n");
    assert.match(weak.err, /CommandError: This password is too short\./);
    const changed = await manage(["changepassword", "zoe"], "sturdy horses\nsturdy horses\n");
    assert.match(changed.out, /Password changed successfully for user 'zoe'\n$/);
    const nobody = await manage(["changepassword", "nobody"], "x\nx\n");
    assert.match(nobody.err, /CommandError: user 'nobody' does not exist/);
  });
});

test("rotate-db-key seals everything with the new key", async (t) => {
  const site = await createSite(t);
  const [before, after] = [site.key, generateFernetKey()].map(keyOf);
  assert.ok(before && after);
  const old = createSecrets([before]);
  const leaf = JSON.stringify({ bucket: old.seal('"b"'), list: [old.seal("1")] });
  await site.query(
    "insert into task (id, seq, domain, name, arguments) values (gen_random_uuid(), 1, 1, 'x', $1)",
    [old.seal("{}")],
  );
  await site.query("update domain set storage_settings = $1", [leaf]);

  writeFileSync(site.keyFile, `${after.text}\n${site.key}\n`);
  const dry = await site.manage(["rotate-db-key", "--dry-run"]);
  const [untouched] = await site.query("select storage_settings as s from domain");
  assert.equal(dry.code, 0);
  assert.deepEqual(untouched?.s, JSON.parse(leaf));

  const { code, out } = await site.manage(["rotate-db-key"]);
  assert.equal(code, 0);
  assert.match(out, /^Updating client_key, username, .* on Remote\.\n/);

  const only = createSecrets([after]);
  const [task] = await site.query("select arguments from task");
  const [domain] = await site.query("select storage_settings as s from domain");
  const settings = domain?.s as { readonly bucket: string; readonly list: readonly string[] };
  assert.equal(only.open(String(task?.arguments)), "{}");
  assert.equal(only.open(settings.bucket), '"b"');
  assert.equal(only.open(settings.list[0] ?? ""), "1");
});

test("settings are shown without their secrets", async (t) => {
  const { manage } = await createSite(t);

  const list = await manage(["settings", "list"]);
  assert.match(list.out, /^API_ROOT = "\/pulp\/"$/m);
  assert.match(list.out, /^SECRET_KEY = "\*+"$/m);
  assert.equal(list.out.includes("canary"), false);
  const get = await manage(["settings", "get", "pulp_worker_ttl"]);
  assert.equal(get.out, "30\n");
  const inspect = await manage(["settings", "inspect", "MEDIA_ROOT"]);
  assert.deepEqual(JSON.parse(inspect.out).sources, ["default"]);
  const shown = await manage(["settings", "get", "SECRET_KEY", "--show-secrets"]);
  assert.equal(shown.out, '"canary"\n');
  const unknown = await manage(["settings", "get", "WORKERTTL"]);
  assert.deepEqual(
    [unknown.code, unknown.err],
    [1, "CommandError: There is no setting WORKERTTL; did you mean WORKER_TTL?\n"],
  );
});

test("convert-settings makes a file that says the same", async (t) => {
  const { manage, folder } = await createSite(t);
  const python = join(folder, "settings.py");
  const toml = join(folder, "settings.toml");
  writeFileSync(python, "TTL = 45\nWORKER_TTL = TTL\nCACHE_SETTINGS = {'EXPIRES_TTL': None}\n");

  const { out } = await manage(["convert-settings"], "", { PULP_SETTINGS: python });
  writeFileSync(toml, out);

  assert.match(out, /^WORKER_TTL = 45$/m);
  for (const name of ["WORKER_TTL", "CACHE_SETTINGS"]) {
    const of = (file: string) => manage(["settings", "get", name], "", { PULP_SETTINGS: file });
    assert.equal((await of(toml)).out, (await of(python)).out);
  }
});

test("check tells what is missing", async (t) => {
  const { manage, folder } = await createSite(t);

  const missing = await manage(["check", "--deploy", "--database", "default"]);
  assert.equal(missing.code, 0);
  assert.match(missing.err, /pulpcore\.W001\) MEDIA_ROOT '.*' does not exist/);
  mkdirSync(join(folder, "media"));
  mkdirSync(join(folder, "tmp"));
  const good = await manage(["check", "--deploy"]);
  assert.equal(good.out, "System check identified no issues (0 silenced).\n");
  const open = await manage(["check", "--deploy"], "", { PULP_SECRET_KEY: "" });
  assert.equal(open.code, 1);
  assert.match(open.err, /pulpcore\.E001/);
});

test("small commands", async (t) => {
  const { manage } = await createSite(t);

  assert.match((await manage(["--version"])).out, /^3\.\d+\.\d+ \(deckle \d/);
  assert.equal((await manage(["makemigrations", "--check"])).code, 0);
  assert.equal((await manage(["collectstatic", "--noinput", "--clear", "--link"])).code, 0);
  assert.equal((await manage(["migrate", "core", "zero"])).code, 1);
  assert.match((await manage(["migrate"])).out, /No migrations to apply\.\n$/);
  const lines = "return (await ctx.db.selectFrom('domain').select('name').execute()).length";
  assert.equal((await manage(["shell", "-c", lines])).out, "1\n");
  const python = await manage(["shell", "-c", "from pulpcore.app.models import Task"]);
  assert.match(python.err, /CommandError: This shell runs JavaScript, not Python; for users use/);
});

test("an unknown command lists all of them", async (t) => {
  const { code, err } = await runProgram(t, ["manager", "migrat"]);

  assert.equal(code, 1);
  assert.match(err, /^Unknown command: 'migrat'\. Did you mean migrate\?\n/);
  for (const name of ["showmigrations", "settings", "openapi"]) assert.ok(err.includes(name));
});

const keyOf = (text: string): (FernetKey & { readonly text: string }) | undefined => {
  const key = parseFernetKey(text);
  return key && { ...key, text };
};
