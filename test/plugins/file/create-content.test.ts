import assert from "node:assert/strict";
import { test } from "node:test";
import { createContent, storeFromUrl } from "#core/sync/create-content.ts";
import { fileContent } from "#plugins/file/content.ts";
import { answer } from "../../support/upstream.ts";
import { createFileWorld, sha256 } from "./support.ts";

test("a unit is made of an address, joins a repository, and is the same one again", async (t) => {
  const world = await createFileWorld(t);
  world.upstream.on("/f", answer.file("made"));
  const repository = await world.addRepository();
  const url = world.upstream.url.replace("//", "//jo:p%40w@");

  const job = world.job();
  const artifact = await storeFromUrl(job, `${url}/f`, { max_retries: 0 });
  const unit = {
    type: fileContent,
    row: { relative_path: "a/f", digest: Buffer.from(sha256("made"), "hex") },
    files: [{ relativePath: "a/f", artifact }],
    repository,
  };
  const first = await createContent(job, unit);
  const second = await createContent(world.job(), unit);

  assert.equal(first.id, second.id);
  assert.equal(first.version?.number, 1);
  assert.equal(second.version, undefined);
  assert.deepEqual(
    job.resources.map(({ path }) => path),
    [`content/file/files/${first.id}/`, `repositories/file/file/${repository}/versions/1/`],
  );
  assert.equal(
    world.upstream.requests[0]?.headers.authorization,
    `Basic ${Buffer.from("jo:p@w").toString("base64")}`,
  );
  assert.deepEqual(await world.members(repository), { "a/f": "stored" });
});

test("credentials of an address do not show in errors", async (t) => {
  const world = await createFileWorld(t);
  const url = world.upstream.url.replace("//", "//jo:secret@");

  await assert.rejects(storeFromUrl(world.job(), `${url}/none?sig=secret`), (error: Error) => {
    assert.match(error.message, /404/);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});
