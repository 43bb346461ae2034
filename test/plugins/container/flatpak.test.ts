import assert from "node:assert/strict";
import { test } from "node:test";
import { type AccessWorld, createAccessWorld } from "./access-world.ts";
import { createRegistryWorld, imageManifest, OCI_INDEX, OCI_MANIFEST } from "./registry-world.ts";

const ON = { settings: { FLATPAK_INDEX: true } as object };
const REF = "label:org.flatpak.ref:exists=1";

type Json = Readonly<Record<string, unknown>>;

/** Digest and size of an image with labels. */
async function pushFlatpak(
  world: AccessWorld,
  name: string,
  { tag, labels, architecture = "amd64" }: { tag?: string; labels: Json; architecture?: string },
): Promise<{ digest: string; size: number }> {
  const config = JSON.stringify({ architecture, os: "linux", config: { Labels: labels } });
  const layer = `layer of ${name} ${architecture}`;
  const manifest = imageManifest(
    { digest: await world.pushBlob(name, config), size: config.length },
    [{ digest: await world.pushBlob(name, layer), size: layer.length }],
    { annotations: { "org.example.channel": architecture } },
  );
  const reference = tag ?? (await digestOf(manifest));
  const pushed = await world.pushManifest(name, reference, manifest);
  assert.equal(pushed.status, 201, await pushed.text());
  const digest = pushed.headers.get("docker-content-digest") ?? "";
  return { digest, size: JSON.stringify(manifest).length };
}

const digestOf = async (manifest: object): Promise<string> => {
  const bytes = Buffer.from(JSON.stringify(manifest));
  return `sha256:${Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex")}`;
};

const labels = (name: string): Json => ({ "org.flatpak.ref": `app/${name}/x86_64/stable`, name });

async function index(world: AccessWorld, query: string, kind = "static") {
  const answer = await fetch(`${world.origin}/index/${kind}?${query}`);
  const { status, headers } = answer;
  return { status, headers, body: Object(await answer.json()) };
}

const names = async (world: AccessWorld, query: string): Promise<readonly string[]> =>
  (await index(world, query)).body.Results.map(({ Name }: { Name: string }) => Name);

test("flatpaks of public repositories are found by what they are", async (t) => {
  const world = await createAccessWorld(t, ON);
  const one = await pushFlatpak(world, "apps/one", { tag: "latest", labels: labels("one") });
  await world.pushManifest("apps/one", "stable", await manifestOf(world, "apps/one", one.digest));
  const secret = await pushFlatpak(world, "apps/secret", {
    tag: "latest",
    labels: labels("secret"),
  });
  await world.setPrivate("apps/secret", true);
  await world.pushImage("plain/app", "latest");
  const child = await pushFlatpak(world, "apps/two", {
    labels: labels("two"),
    architecture: "arm64",
  });
  const platform = { architecture: "arm64", os: "linux" };
  const manifests = [
    { mediaType: OCI_MANIFEST, ...child, platform },
    // What another repository has is not shown by naming it.
    { mediaType: OCI_MANIFEST, ...secret, platform },
  ];
  const list = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  assert.equal((await world.pushManifest("apps/two", "latest", list)).status, 201);

  const { status, headers, body } = await index(world, REF);

  assert.equal(status, 200);
  assert.equal(headers.get("content-type"), "application/json");
  assert.deepEqual(body, {
    Registry: world.origin,
    Results: [
      {
        Name: "apps/one",
        Images: [
          {
            Tags: ["latest", "stable"],
            Digest: one.digest,
            MediaType: OCI_MANIFEST,
            OS: "linux",
            Architecture: "amd64",
            Labels: labels("one"),
          },
        ],
      },
      {
        Name: "apps/two",
        Images: [
          {
            Tags: ["latest"],
            Digest: child.digest,
            MediaType: OCI_MANIFEST,
            OS: "linux",
            Architecture: "arm64",
            Labels: labels("two"),
          },
        ],
      },
    ],
  });
  assert.deepEqual((await index(world, REF, "dynamic")).body, body);

  assert.deepEqual(await names(world, `${REF}&architecture=arm64&os=linux&tag=latest`), [
    "apps/two",
  ]);
  assert.deepEqual(await names(world, `${REF}&tag=stable`), ["apps/one"]);
  assert.deepEqual(await names(world, `${REF}&repository=apps/two&repository=x`), ["apps/two"]);
  assert.deepEqual(await names(world, `${REF}&label:name=one&label:name=x`), ["apps/one"]);
  assert.deepEqual(await names(world, `${REF}&label:other:exists=1`), []);
  assert.deepEqual(await names(world, `${REF}&annotation:org.example.channel=arm64`), ["apps/two"]);
  assert.deepEqual(await names(world, `${REF}&os=windows`), []);
});

async function manifestOf(world: AccessWorld, name: string, digest: string): Promise<object> {
  const answer = await world.ask("GET", `/v2/${name}/manifests/${digest}`);
  return Object(await answer.json());
}

test("an index that is known is not sent again, until something changes", async (t) => {
  const world = await createAccessWorld(t, ON);
  await pushFlatpak(world, "apps/one", { tag: "latest", labels: labels("one") });
  const ask = (etag = "") =>
    fetch(`${world.origin}/index/static?${REF}`, { headers: { "if-none-match": etag } });
  const first = await ask();
  const etag = first.headers.get("etag") ?? "";
  assert.equal((await ask(etag)).status, 304);
  const statements = await world.statementsOf(async () => (await ask()).text());
  assert.equal(statements.length, 1);

  await pushFlatpak(world, "apps/two", { tag: "latest", labels: labels("two") });
  const second = await ask(etag);
  assert.equal(second.status, 200);
  assert.equal(Object(await second.json()).Results.length, 2);
  await world.setPrivate("apps/one", true);
  assert.equal(Object(await (await ask(etag)).json()).Results.length, 1);
  const head = await fetch(`${world.origin}/index/static?${REF}`, { method: "HEAD" });
  assert.deepEqual([head.status, await head.text()], [200, ""]);
});

test("an index says what it does not understand, and is there only if it is wanted", async (t) => {
  const world = await createAccessWorld(t, ON);
  const refusal = async (query: string) => {
    const { status, body } = await index(world, query);
    assert.equal(status, 400);
    return body.detail;
  };
  assert.equal(await refusal(""), "Missing label:org.flatpak.ref:exists=1.");
  assert.equal(
    await refusal("label:org.flatpak.ref:exists=0"),
    "Missing label:org.flatpak.ref:exists=1.",
  );
  assert.equal(await refusal(`${REF}&label:a:exists=2`), "label:a:exists must have value 1.");
  assert.equal(await refusal(`${REF}&colour=red`), "Unsupported colour.");
  assert.equal(await refusal(`${REF}&label:=1`), "Unsupported label:.");
  assert.equal(await refusal(`${REF}${"&tag=x".repeat(200)}`), "Too many conditions.");
  const posted = await fetch(`${world.origin}/index/static`, { method: "POST" });
  assert.deepEqual([posted.status, posted.headers.get("allow")], [405, "GET, HEAD"]);
  const without = await createRegistryWorld(t);
  assert.equal((await fetch(`${without.origin}/index/static?${REF}`)).status, 404);
});
