import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createGpgSigner } from "../support/gpg-signer.ts";
import { createSite } from "./manager-site.ts";

const CLASS = ["--class", "container:ManifestSigningService"];

test("a signing service is added once it has signed with its key, and removed", async (t) => {
  const site = await createSite(t);
  const { script, fingerprint, home } = await createGpgSigner(t);
  const add = (name: string, program: string, key: string, ...more: readonly string[]) =>
    site.manage(["add-signing-service", name, program, key, ...more]);
  const at = [...CLASS, "--gnupghome", home];

  const added = await add("signer", script, fingerprint, ...at);
  assert.equal(added.code, 0, added.err);
  const rows = await site.query(
    "select name, kind, fingerprint, script, public_key from signing_service",
  );
  assert.partialDeepStrictEqual(rows, [
    { name: "signer", kind: "container.ManifestSigningService", fingerprint, script },
  ]);
  assert.match(String(rows[0]?.public_key), /BEGIN PGP PUBLIC KEY BLOCK/);

  const lazy = join(home, "lazy.sh");
  await writeFile(lazy, "#!/bin/sh\nprintf '{}'\n");
  await chmod(lazy, 0o700);
  for (const [outcome, message] of [
    [await add("signer", script, fingerprint, ...at), /already exists/],
    [await add("x", lazy, fingerprint, ...at), /./],
    [await add("x", "/bin/false", fingerprint, ...at), /did not sign/],
    [await add("x", "sign.sh", fingerprint, ...at), /absolute path/],
    [await add("x", script, "nobody@example.org", ...at), /gpg: /],
    [
      await add("x", script, fingerprint, "--class", "container:Other"),
      /one of container:Manifest/,
    ],
    [await site.manage(["remove-signing-service", "x", ...CLASS]), /No SigningService/],
  ] as const) {
    assert.notEqual(outcome.code, 0);
    assert.match(outcome.err, message);
  }
  const removed = await site.manage(["remove-signing-service", "signer", ...CLASS]);
  assert.equal(removed.code, 0, removed.err);
  assert.deepEqual(await site.query("select from signing_service"), []);
});

test("a service gets a key of its own, which is sealed and told nobody", async (t) => {
  const site = await createSite(t);
  const add = (...words: readonly string[]) => site.manage(["add-signing-service", ...words]);
  const own = ["--own-key", "Release <release@example.org>", ...CLASS] as const;

  const added = await add("release", ...own);

  assert.equal(added.code, 0, added.err);
  const [row] = await site.query("select * from signing_service");
  assert.match(String(row?.private_key), /^gAAAA/);
  assert.equal(row?.script, "");
  assert.match(added.out, new RegExp(`key ${row?.fingerprint}`));
  assert.ok(added.out.includes(String(row?.public_key)));
  assert.ok(!added.out.includes(String(row?.private_key)));
  for (const [words, message] of [
    [["release", ...own], /already exists/],
    [["x", "/bin/true", "key", ...own], /no script/],
    [["x", "--own-key", "a\nb", ...CLASS], /--own-key is a name/],
    [["x", "--own-key", "", ...CLASS], /--own-key is a name/],
  ] as const) {
    const refused = await add(...words);
    assert.notEqual(refused.code, 0);
    assert.match(refused.err, message);
  }
});

test("the key of the environment is added once", async (t) => {
  const site = await createSite(t);
  const { script, fingerprint, home } = await createGpgSigner(t);
  const add = (more: Readonly<Record<string, string>>) =>
    site.manage(["add_signing_service", "signer", script, ...CLASS, "--gnupghome", home], "", more);

  const keyless = await add({});
  assert.equal(keyless.code, 1);
  assert.match(keyless.err, /Which key\? Set PULP_SIGNING_KEY_FINGERPRINT\./);
  const key = { PULP_SIGNING_KEY_FINGERPRINT: fingerprint };
  const added = await add(key);
  assert.equal(added.code, 0, added.err);
  assert.match((await add(key)).out, /is there already\.\n$/);
  assert.deepEqual(await site.query("select name, fingerprint from signing_service"), [
    { name: "signer", fingerprint },
  ]);
});
