import assert from "node:assert/strict";
import { test } from "node:test";
import { codesOf, createRegistryWorld } from "./registry-world.ts";

const NAME = "team/app";

test("a tag is moved only if it means what If-Match says", async (t) => {
  const world = await createRegistryWorld(t);
  const first = await world.pushImage(NAME, "main", "first");
  const second = await world.pushImage(NAME, "other", "second");
  const body = await (await world.ask("GET", `/v2/${NAME}/manifests/${second}`)).text();
  const put = (reference: string, headers: Readonly<Record<string, string>>) =>
    world.ask("PUT", `/v2/${NAME}/manifests/${reference}`, {
      body,
      headers: { "content-type": "application/vnd.oci.image.manifest.v1+json", ...headers },
    });
  const main = async () =>
    (await world.ask("HEAD", `/v2/${NAME}/manifests/main`)).headers.get("docker-content-digest");

  const stale = await put("main", { "if-match": `"${second}"` });
  assert.deepEqual([stale.status, await codesOf(stale)], [412, ["DENIED"]]);
  const taken = await put("main", { "if-none-match": "*" });
  assert.equal(taken.status, 412);
  assert.equal((await put("absent", { "if-match": "*" })).status, 412);
  assert.equal((await put("main", { "if-match": "unquoted" })).status, 400);
  assert.equal((await put("main", { "if-none-match": `"${first}"` })).status, 400);
  assert.equal(await main(), first);

  assert.equal((await put("main", { "if-match": `"sha256:x", "${first}"` })).status, 201);
  assert.equal(await main(), second);
  assert.equal((await put("fresh", { "if-none-match": "*" })).status, 201);
  assert.equal((await put(second, { "if-match": `"${first}"` })).status, 201, "no tag is moved");
});

test("of conditional pushes at the same time one wins", async (t) => {
  const world = await createRegistryWorld(t);
  const before = await world.pushImage(NAME, "main", "before");
  const bodies = await Promise.all(
    ["a", "b", "c", "d"].map(async (text) => {
      const digest = await world.pushImage(NAME, `of-${text}`, text);
      return (await world.ask("GET", `/v2/${NAME}/manifests/${digest}`)).text();
    }),
  );

  const answers = await Promise.all(
    bodies.map((body) =>
      world.ask("PUT", `/v2/${NAME}/manifests/main`, {
        body,
        headers: {
          "content-type": "application/vnd.oci.image.manifest.v1+json",
          "if-match": `"${before}"`,
        },
      }),
    ),
  );

  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 412, 412, 412]);
});
