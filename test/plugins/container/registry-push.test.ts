import assert from "node:assert/strict";
import { test } from "node:test";
import { createRegistryWorld, OCI_MANIFEST } from "./registry-world.ts";

test("an image that is pushed can be pulled by tag and digest, with its blobs", async (t) => {
  const world = await createRegistryWorld(t);

  const digest = await world.pushImage("team/app", "1.0");

  const byTag = await world.ask("GET", "/v2/team/app/manifests/1.0");
  const byDigest = await world.ask("GET", `/v2/team/app/manifests/${digest}`);
  const text = await byTag.text();
  assert.equal(byTag.status, 200);
  assert.equal(byTag.headers.get("content-type"), OCI_MANIFEST);
  assert.equal(byTag.headers.get("docker-content-digest"), digest);
  assert.equal(await byDigest.text(), text);
  const [layer] = JSON.parse(text).layers;
  const blob = await world.ask("GET", `/v2/team/app/blobs/${layer.digest}`);
  assert.equal(await blob.text(), "layer of team/app:1.0");
  const tags = await world.ask("GET", "/v2/team/app/tags/list");
  assert.deepEqual(await tags.json(), { name: "team/app", tags: ["1.0"] });
  const catalog = await world.ask("GET", "/v2/_catalog");
  assert.deepEqual(await catalog.json(), { repositories: ["team/app"] });
});
