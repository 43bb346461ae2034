import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { blackBox } from "./support/black-box.ts";
import { ImageClient } from "./support/image-clients.ts";

const REPOSITORIES = "repositories/container/container/";

let host: string;
let client: ImageClient;
let repository: string;
const stack = new AsyncDisposableStack();
/** The builder looks for its configuration where this says; the file is written when the port is known. */
const home = stack.use(await ImageClient.create());
const box = blackBox(
  { env: { CONTAINERS_REGISTRIES_CONF: home.path("registries.conf") } },
  async ({ api, server: { apiUrl, username, password } }) => {
    host = new URL(apiUrl).host;
    client = home;
    await writeFile(
      home.path("registries.conf"),
      `[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
    );
    await client.run("crane", "auth", "login", host, "-u", username, "-p", password);
    const made = await api.post(REPOSITORIES, { name: "built" });
    repository = made.pulp_href;
    await api.done(
      await api.post("distributions/container/container/", {
        ...{ name: "built", base_path: "built/app", repository },
      }),
    );
  },
);
after(() => stack.disposeAsync());

/** The version of a repository of files. */
async function contextOf(files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const { api } = box;
  const units: string[] = [];
  for (const [path, bytes] of Object.entries(files)) {
    const form = new FormData();
    form.set("relative_path", path);
    form.set("file", new Blob([typeof bytes === "string" ? bytes : new Uint8Array(bytes)]), path);
    units.push((await api.post("content/file/files/upload/", form)).pulp_href);
  }
  const { pulp_href: href } = await api.post("repositories/file/file/", {
    name: `files of ${units.join(" ")}`,
  });
  await api.done(await api.post(`${href}modify/`, { add_content_units: units }));
  return `${href}versions/1/`;
}

async function build(fields: Readonly<Record<string, string>>) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (name === "containerfile") form.set(name, new Blob([value]), "Containerfile");
    else form.set(name, value);
  }
  return box.api.task(await box.api.post(`${repository}build_image/`, form));
}

/** A file of an image, as a client finds it. */
async function fileIn(tag: string, path: string): Promise<string> {
  await client.run("crane", "export", `${host}/built/app:${tag}`, "exported.tar");
  await client.run("tar", "-xf", "exported.tar", path);
  return readFile(client.path(path), "utf8");
}

/** A shell of this machine with the libraries that it loads, by their paths without the slash. */
async function shell(): Promise<Readonly<Record<string, Buffer>>> {
  const { stdout } = await promisify(execFile)("ldd", ["/bin/sh"]);
  const paths = ["/bin/sh", ...(stdout.match(/(?<=\s)\/\S+/g) ?? [])];
  const files = paths.map(async (path) => [path.slice(1), await readFile(path)] as const);
  return Object.fromEntries(await Promise.all(files));
}

test("an image is built of files of a repository, with steps that run in it", async () => {
  const containerfile = [
    "FROM scratch",
    "LABEL made=here",
    "COPY data folder/more /data/",
    "COPY --chmod=755 root /",
    'RUN echo "by a step: $PULP_SECRET_KEY$DATABASE_URL$DECKLE_ADMIN_PASSWORD" > /data/made',
  ].join("\n");
  const root = Object.entries(await shell()).map(([path, bytes]) => [`root/${path}`, bytes]);
  const context = await contextOf({
    ...{ "image/Containerfile": containerfile, data: "some data", "folder/more": "more" },
    ...Object.fromEntries(root),
  });
  const fields = { containerfile_name: "image/Containerfile", build_context: context, tag: "1" };

  const task = await build(fields);

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(task.result.number, 1);
  assert.equal(await fileIn("1", "data/more"), "more");
  assert.equal(await fileIn("1", "data/made"), "by a step: \n");
  const config = JSON.parse(await client.run("crane", "config", `${host}/built/app:1`));
  assert.equal(config.config.Labels.made, "here");
});

test("an image is built from another one of this registry", async () => {
  await client.pushImage(`${host}/base/app:1`, "from the base");
  const containerfile = `FROM ${host}/base/app:1\nENV FROM_BASE=yes\n`;

  const task = await build({ containerfile, tag: "derived" });

  assert.equal(task.state, "completed", JSON.stringify(task.error));
  assert.equal(await fileIn("derived", "hello"), "from the base");
});

/** Ids of processes whose words have this among them. */
async function processesWith(word: string): Promise<readonly string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const words = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
  const all = await Promise.all(words);
  return pids.filter((_, index) => all[index]?.includes(word));
}

test("of a build that is cancelled nothing goes on", async () => {
  const { api } = box;
  const marker = `endless-${process.pid}`;
  const context = await contextOf({
    Containerfile: `FROM scratch\nCOPY --chmod=755 root /\nRUN : ${marker}; while :; do :; done\n`,
    ...Object.fromEntries(
      Object.entries(await shell()).map(([path, bytes]) => [`root/${path}`, bytes]),
    ),
  });
  const form = new FormData();
  form.set("containerfile_name", "Containerfile");
  form.set("build_context", context);
  const { task } = await api.post(`${repository}build_image/`, form);
  const step = async () => (await processesWith(`: ${marker}`)).length;
  while ((await step()) === 0) {
    assert.match((await api.get(task)).state, /waiting|running/);
    await sleep(100);
  }

  await api.patch(task, { state: "canceled" });

  assert.equal((await api.task({ task })).state, "canceled");
  // The test's own limit ends the wait.
  while ((await step()) > 0) await sleep(100);
});

test("a build that fails tells what the builder said", async () => {
  const failures: readonly [string, RegExp][] = [
    ["FROM scratch\nCOPY missing /\n", /missing/],
    ["FROM scratch\nNONSENSE\n", /NONSENSE/i],
    [`FROM ${host}/base/absent:1\n`, /absent/],
    ["FROM scratch\nCOPY ../../../../../etc/hostname /\n", /hostname/],
  ];
  for (const [containerfile, said] of failures) {
    const task = await build({ containerfile });
    assert.equal(task.state, "failed", containerfile);
    assert.equal(task.error.error_code, "CON0001");
    assert.match(task.error.description, said);
  }
});
