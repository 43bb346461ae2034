import assert from "node:assert/strict";
import { test } from "node:test";
import { answer } from "../../support/upstream.ts";
import { OCI_INDEX, type Stored } from "./fake-registry.ts";
import { createMirrorWorld, type MirrorWorld } from "./mirror-world.ts";
import { signedMessage, signedPayload } from "./signed-message.ts";

const STORE = "/sigs/library/app@";

/** Puts signatures of an image into the lookaside store. */
function signAside({ upstream }: MirrorWorld, { digest }: Stored, ...messages: readonly Buffer[]) {
  const folder = `${STORE}${digest.replace(":", "=")}`;
  for (const [index, message] of messages.entries())
    upstream.on(`${folder}/signature-${index + 1}`, answer.file(message));
}

const signed = (digest: string, salt?: number): Buffer =>
  signedMessage(signedPayload(digest), salt);

const digestsOf = (names: readonly string[]) => names.map((name) => name.split("@")[0]);

test("signatures of a lookaside store come with images, indexes and children", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [one, two] = [upstream.image(["1"]), upstream.image(["2"])];
  const index = upstream.index([one, two]);
  upstream.tag("multi", index);
  signAside(world, one, signed(one.digest), signed(one.digest, 8));
  signAside(world, index, signed(index.digest));
  signAside(world, two, signed(one.digest), Buffer.from("no OpenPGP"));
  const remote = await world.addRemote({ sigstore: `${world.upstream.url}/sigs/` });
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository });

  const names = await world.signatures(repository);
  assert.deepEqual(digestsOf(names), [one.digest, one.digest, index.digest].sort());
  const warnings = world.logged.filter((line) => /signature of .* is left out/.test(line));
  assert.equal(warnings.length, 2);
  await world.sync({ remote, repository, mirror: true });
  assert.deepEqual(await world.versions(repository), [0, 1]);
  assert.ok(job);
});

test("a registry with the extension hands signatures out itself", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const image = upstream.image(["1"]);
  upstream.tag("1", image);
  world.upstream.on("/v2/", answer.status(401, { "x-registry-supports-signatures": "1" }));
  const message = signed(image.digest);
  const name = `${image.digest}@${"ab".repeat(16)}`;
  const item = { schemaVersion: 2, type: "atomic", name, content: message.toString("base64") };
  const other = { ...item, type: "cosign" };
  world.upstream.on(
    `/extensions/v2/library/app/signatures/${image.digest}`,
    answer.file(JSON.stringify({ signatures: [item, other] })),
  );
  const remote = await world.addRemote();
  const repository = await world.addRepository();
  await world.sync({ remote, repository });
  assert.deepEqual(await world.signatures(repository), [name]);
});

test("only signed images are taken: an unsigned child takes its index along", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [good, unsigned, second] = ["1", "2", "3"].map((name) => upstream.image([name]));
  assert.ok(good && unsigned && second);
  upstream.tag("signed", good);
  upstream.tag("unsigned", unsigned);
  const whole = upstream.index([good, second]);
  upstream.tag("whole", whole);
  upstream.tag("half", upstream.index([second, unsigned]));
  signAside(world, good, signed(good.digest));
  signAside(world, second, signed(second.digest));
  const remote = await world.addRemote({ sigstore: `${world.upstream.url}/sigs` });
  const repository = await world.addRepository();

  const job = await world.sync({ remote, repository, signedOnly: true });

  assert.deepEqual(await world.tags(repository), [
    `signed ${good.digest}`,
    `whole ${whole.digest}`,
  ]);
  assert.equal(job.report("sync.skipped.manifest"), undefined, "that is no failure");
});

test("without a store of signatures, tags tell which images are signed", async (t) => {
  const world = await createMirrorWorld(t);
  const { repository: upstream } = world;
  const [byTag, byBundle, byNothing, plain] = ["a", "b", "c", "d"].map((name) =>
    upstream.image([name]),
  );
  assert.ok(byTag && byBundle && byNothing && plain);
  for (const [name, image] of Object.entries({ byTag, byBundle, byNothing, plain }))
    upstream.tag(name, image);
  const tagOf = ({ digest }: Stored) => digest.replace(":", "-");
  upstream.tag(`${tagOf(byTag)}.sig`, upstream.image(["signature"]));
  const bundle = upstream.attach(byBundle, "bundle");
  const entry = { mediaType: bundle.mediaType, digest: bundle.digest, size: bundle.body.length };
  const typed = { manifests: [{ ...entry, artifactType: "application/x.bundle" }] };
  upstream.tag(tagOf(byBundle), upstream.manifest(typed, OCI_INDEX));
  upstream.tag(tagOf(byNothing), upstream.manifest({ manifests: [entry] }, OCI_INDEX));
  const remote = await world.addRemote();
  const repository = await world.addRepository();

  await world.sync({ remote, repository, signedOnly: true });

  const names = (await world.tags(repository)).map((line) => line.split(" ")[0]);
  assert.deepEqual(
    names,
    ["byBundle", "byTag", `${tagOf(byTag)}.sig`, tagOf(byBundle), tagOf(byNothing)].sort(),
  );
});
