import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { Flatpak } from "./support/flatpak.ts";
import { ImageClient } from "./support/image-clients.ts";

const PLATFORM = "org.example.Platform";
const APP = "org.example.App";

let host: string;
let client: ImageClient;
let creds: string;
let arch: string;
let installation: Flatpak;
const stack = new AsyncDisposableStack();
const box = blackBox(
  { env: { PULP_FLATPAK_INDEX: "true" } },
  async ({ server: { apiUrl, username, password } }) => {
    host = new URL(apiUrl).host;
    creds = `${username}:${password}`;
    client = stack.use(await ImageClient.create());
    installation = stack.use(await Flatpak.start(client));
    arch = (await client.run("flatpak", "--default-arch")).trim();
    await flatpak("remote-add", "deckle", `oci+http://${host}`);
  },
);
after(() => stack.disposeAsync());

const flatpak = (...args: readonly string[]) => installation.run(...args);

/** Builds a flatpak of one file and pushes it as the image that clients look for. */
async function publish(
  repository: string,
  { kind, name, content }: { kind: "Runtime" | "Application"; name: string; content: string },
): Promise<void> {
  const build = client.path(`build-${name}`);
  const files = kind === "Runtime" ? "usr" : "files";
  for (const folder of [files, "export", "files", "var"])
    await mkdir(join(build, folder), { recursive: true });
  await writeFile(join(build, files, "hello"), content);
  const runtime = `${PLATFORM}/${arch}/1`;
  await writeFile(
    join(build, "metadata"),
    `[${kind}]\nname=${name}\nruntime=${runtime}\nsdk=${runtime}\n`,
  );
  const runtimeOnly = kind === "Runtime" ? ["--runtime"] : [];
  await client.run("flatpak", "build-export", ...runtimeOnly, "repo", build, "1");
  const layout = `${name}.oci`;
  await client.run("flatpak", "build-bundle", "--oci", ...runtimeOnly, "repo", layout, name, "1");
  await client.run(
    ...["skopeo", "--policy", client.path("policy.json"), "copy", "--dest-tls-verify=false"],
    ...[`--dest-creds=${creds}`, `oci:${layout}`, `docker://${host}/${repository}:latest`],
  );
}

const listed = async (): Promise<readonly string[]> =>
  (await flatpak("remote-ls", "deckle", "--columns=application")).trim().split("\n").sort();

test("flatpak finds what was pushed, installs it, and takes a newer one", async () => {
  await publish("flatpaks/platform", { kind: "Runtime", name: PLATFORM, content: "a platform" });
  await publish("flatpaks/app", { kind: "Application", name: APP, content: "an app" });
  assert.deepEqual(await listed(), [APP, PLATFORM]);

  await flatpak("install", "-y", "--noninteractive", "deckle", `${PLATFORM}//1`);
  await flatpak("install", "-y", "--noninteractive", "deckle", `${APP}//1`);
  const hello = async (name: string) => {
    const place = (await flatpak("info", "--show-location", name)).trim();
    return readFile(join(place, "files/hello"), "utf8");
  };
  assert.equal(await hello(PLATFORM), "a platform");
  assert.equal(await hello(APP), "an app");

  await publish("flatpaks/app", { kind: "Application", name: APP, content: "a newer app" });
  await flatpak("update", "-y", "--noninteractive", APP);
  assert.equal(await hello(APP), "a newer app");
});

test("flatpak does not see what is private", async () => {
  const { results } = await box.api.get(
    "distributions/container/container/?base_path=flatpaks/app",
  );
  await box.api.done(await box.api.patch(results[0].pulp_href, { private: true }));
  assert.deepEqual(await listed(), [PLATFORM]);
});
