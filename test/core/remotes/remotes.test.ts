import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createAcs } from "#core/acs/commands.ts";
import { createRemote, deleteRemote, openRemote, updateRemote } from "#core/remotes/commands.ts";
import { remoteById } from "#core/remotes/queries.ts";
import { createContext } from "../../support/context.ts";
import { answer, createUpstream } from "../../support/upstream.ts";

test("secrets are sealed, kept by other changes, and used", async (t) => {
  const { ctx, domain } = await createContext(t);
  const upstream = await createUpstream(t);
  upstream.on("/", answer.file("x"));
  const values = { name: "r", url: `${upstream.url}/`, username: "jo", password: " pw " };
  const id = await createRemote(ctx, { domain, type: "file.file", values });

  await updateRemote(ctx, {
    domain,
    id,
    values: { headers: [{ "X-A": "1" }], proxy_password: null },
  });
  await using remote = await openRemote(ctx, domain, id);
  await text((await remote.get(`${upstream.url}/`)).body);

  const row = await remoteById(ctx.db, domain, id);
  assert.notEqual(row?.password, " pw ");
  assert.equal(row?.secrets_key, ctx.secrets.keyName);
  const { headers } = upstream.requests[0] ?? {};
  assert.equal(headers?.authorization, `Basic ${Buffer.from("jo: pw ").toString("base64")}`);
  assert.equal(headers?.["x-a"], "1");
});

test("a remote goes with what it offered, but not while an alternate source uses it", async (t) => {
  const { ctx, domain } = await createContext(t);
  const values = { name: "r", url: "http://h/", policy: "on_demand" } as const;
  const id = await createRemote(ctx, { domain, type: "file.file", values });
  const acs = { domain, type: "file.file", name: "acs", remote: id, paths: [] };
  const acsId = await createAcs(ctx, acs);

  await assert.rejects(deleteRemote(ctx, domain, id), { code: "remote_in_use" });
  await ctx.db.deleteFrom("alternate_content_source").where("id", "=", acsId).execute();
  await deleteRemote(ctx, domain, id);

  assert.equal(await remoteById(ctx.db, domain, id), undefined);
});

test("a remote that does not exist is said so", async (t) => {
  const { ctx, domain } = await createContext(t);
  const id = "01980000-0000-7000-8000-000000000000";

  await assert.rejects(openRemote(ctx, domain, id), { code: "remote_not_found" });
  await assert.rejects(updateRemote(ctx, { domain, id, values: { name: "x" } }), {
    code: "remote_not_found",
  });
});
