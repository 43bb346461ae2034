import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { signedArtifactPath } from "#core/guards/commands.ts";
import { artifactDistribution } from "#delivery/artifact-distribution.ts";
import { coreGuardHandlers } from "#delivery/guards/core-guards.ts";
import { eventually } from "../support/eventually.ts";
import { createTestApi, formOf } from "../support/rest-api.ts";
import { addTask } from "../support/rest-rows.ts";
import { createSite } from "./site.ts";

const settings = { SECRET_KEY: "a secret of the tests", CONTENT_ORIGIN: "https://pulp.example" };
const LIST = "distributions/core/artifacts/";

async function createWorld(t: TestContext) {
  const api = await createTestApi(t, { settings });
  const site = await createSite(t, {
    ...{ beside: api, settings },
    ...{ guards: coreGuardHandlers, handlers: [artifactDistribution] },
  });
  const upload = async (bytes: string): Promise<string> => {
    const form = formOf({}, [{ name: "file", bytes }]);
    return (await api.request("POST", "artifacts/", form)).body.prn.split(":")[2];
  };
  return { api, site, upload };
}

test("profile artifacts are fetched by signed addresses, and nothing else of the kind is", async (t) => {
  const { api, site, upload } = await createWorld(t);
  const [artifact, other] = [await upload("profile"), await upload("other")];
  const task = await addTask(api);
  const profile = { task, name: "memory_profile", domain: api.domain.num, artifact };
  await api.ctx.db.insertInto("profile_artifact").values(profile).execute();

  const { status, body, text } = await api.get(`tasks/${task}/profile_artifacts/`);

  assert.equal(status, 200, text);
  const url = String(body.urls.memory_profile);
  assert.ok(url.startsWith("https://pulp.example/pulp/content/"), url);
  const path = url.slice("https://pulp.example".length);
  const answered = await site.get(path);
  assert.deepEqual([answered.status, answered.body.toString()], [200, "profile"]);
  const [unsigned = ""] = path.split("?");
  for (const refused of [
    unsigned,
    path.replace(artifact, other),
    path.replace(`/${artifact}`, "/"),
  ])
    assert.equal((await site.get(refused)).status, 403, refused);
});

test("there is one distribution, whoever asks first, and it is read only and hidden", async (t) => {
  const { api, site, upload } = await createWorld(t);
  const artifact = await upload("bytes");
  assert.equal((await api.get(LIST)).body.count, 0);

  const paths = await Promise.all([1, 2, 3].map(() => signedArtifactPath(api.ctx, artifact)));

  assert.equal(new Set(paths.map((path) => path?.split("/")[3])).size, 1);
  const { count, results } = (await api.get(LIST)).body;
  assert.equal(count, 1);
  const [{ pulp_href: href, prn, base_path: basePath, name, hidden }] = results;
  assert.match(name, /^[0-9a-f]{64}$/);
  assert.deepEqual([basePath, hidden, "repository" in results[0]], [name, true, false]);
  assert.ok(prn.startsWith("prn:core.artifactdistribution:"));
  assert.equal((await api.get(href)).body.name, name);
  assert.equal((await api.request("DELETE", href)).status, 405);
  const listing = await site.get("/pulp/content/");
  assert.equal(listing.body.includes(name), false);
});

test("without its guard it serves nothing, and is made anew", async (t) => {
  const { api, site, upload } = await createWorld(t);
  const artifact = await upload("bytes");
  const before = (await signedArtifactPath(api.ctx, artifact)) ?? "";
  assert.equal((await site.get(before)).status, 200);
  const { content_guard: guard } = (await api.get(LIST)).body.results[0];

  assert.equal((await api.request("DELETE", guard)).status, 204);

  await eventually(async () => assert.equal((await site.get(before)).status, 404));
  const after = (await signedArtifactPath(api.ctx, artifact)) ?? "";
  assert.notEqual(after.split("/")[3], before.split("/")[3]);
  assert.equal((await site.get(after)).status, 200);
  for (const missing of ["01990000-0000-7000-8000-000000000002", "no-id"]) {
    const path = (await signedArtifactPath(api.ctx, missing)) ?? "";
    assert.equal((await site.get(path)).status, 404);
  }
  assert.equal((await api.get(LIST)).body.count, 1);
});

test("without a secret nothing is signed", async (t) => {
  const api = await createTestApi(t);
  assert.equal(await signedArtifactPath(api.ctx, "any"), undefined);
  assert.equal((await api.get(LIST)).body.count, 0);
});
