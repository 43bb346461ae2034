import assert from "node:assert/strict";
import { test } from "node:test";
import { as, below, certificate, makeGroup, makeIndex, STRANGER } from "../support.ts";
import { answersTo, ENTITLED, lightwellWorld, OTHER, OWNER, READER } from "./lightwell-world.ts";

test("24 Lightwell: an entitled organisation reads content, and nothing else", async (t) => {
  const { api, features } = await lightwellWorld(t);
  const refused = { repositories: 401, create: 401, upload: 401, elsewhere: 401 };
  assert.deepEqual(await answersTo(api, ENTITLED), { content: 200, ...refused });
  assert.deepEqual(await answersTo(api, OTHER), { content: 401, ...refused });
  assert.deepEqual(await answersTo(api, STRANGER), { content: 401, ...refused });
  const known = as({ ...certificate("/CN=k"), internal: { org_id: "8" } });
  const denied = { repositories: 403, create: 403, upload: 403, elsewhere: 403 };
  assert.deepEqual(await answersTo(api, known), { content: 403, ...denied }, "known, not entitled");
  assert.equal((await answersTo(api, OWNER)).repositories, 200, "the owner");
  assert.deepEqual(
    [...new Set(features.asked)],
    ["7 lightwell-network", "8 lightwell-network", "1 lightwell-network"],
  );
});

test("24 Lightwell: the read-only group reads everything there, and nothing elsewhere", async (t) => {
  const { api } = await lightwellWorld(t);
  await api.get(below("default", "login/"), READER);
  await makeGroup(api, "Lightwell-ReadOnly", ["/CN=reader"]);
  await makeIndex(api, "lightwell", { name: "guarded", guardedFor: "9" });
  const { content, repositories, create, upload, elsewhere } = await answersTo(api, READER);
  assert.deepEqual([content, repositories, create, upload, elsewhere], [200, 200, 403, 403, 403]);
  const index = await api.get("/pypi/lightwell/guarded/simple/", READER);
  assert.equal(index.status, 403, "it passes no guard");
  assert.equal((await api.get(below("lightwell", "users/"), READER)).status, 403);
  const { body } = await api.get(below("default", "domains/"), READER);
  assert.deepEqual(
    body.results.map(({ name }: { name: string }) => name),
    ["lightwell"],
  );
});
