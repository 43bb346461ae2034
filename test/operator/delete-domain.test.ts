import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Api, createApi } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";
import { at, runOperator, startOperator } from "./support/operator.ts";

const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

const stack = new AsyncDisposableStack();
const parts: { server?: Server } = {};
const server = (): Server => parts.server ?? assert.fail("the server is not started yet");
const api = (domain: string): Api => createApi(server(), `/pulp/${domain}/api/v3/`);

before(async () => {
  parts.server = stack.use(await startServer({ env: { PULP_DOMAIN_ENABLED: "true" } }));
});
after(() => stack.disposeAsync());

/** A domain with a published, served, guarded repository, its content, and more remotes than a page. */
async function furnish(name: string, remotes = 3): Promise<Api> {
  await api("default").post("domains/", {
    ...{ name, storage_class: FILE_SYSTEM, storage_settings: { location: "" } },
  });
  const inside = api(name);
  const guard = await inside.post("contentguards/core/rbac/", { name: "g" });
  const repository = await inside.post("repositories/file/file/", { name: "r", autopublish: true });
  const form = new FormData();
  form.set("relative_path", "a.txt");
  form.set("repository", repository.pulp_href);
  form.set("file", new Blob(["some text"]), "a.txt");
  await inside.done(await inside.post("content/file/files/", form));
  await inside.done(
    await inside.post("distributions/file/file/", {
      ...{ name: "d", base_path: "d", repository: repository.pulp_href },
      content_guard: guard.pulp_href,
    }),
  );
  await inside.post("pulp_container/namespaces/", { name });
  for (let n = 0; n < remotes; n += 1) {
    await inside.post("remotes/file/file/", { name: `m${n}`, url: "http://127.0.0.1:9/M" });
  }
  return inside;
}

const LISTS = ["publications", "distributions", "repositories", "remotes", "contentguards"];

test("a domain goes with everything in it, lists of several pages too", async () => {
  await furnish("full", 120);

  const dry = await runOperator([
    "delete_domain",
    "--domain",
    "full",
    "--dry-run",
    ...at(server()),
  ]);
  assert.deepEqual([dry.code, dry.err], [0, ""]);
  assert.match(dry.out, /^full: 120 remotes$/m);
  assert.match(dry.out, /^full: 1 content guards$/m);

  const done = await runOperator(["delete-domain", "--domain", "full", ...at(server())]);
  assert.equal(done.code, 0, done.err);
  assert.equal(done.out, "The domain full is deleted.\n");
  assert.match(done.err, /^remotes: 120 deleted, 0 not\.$/m);
  assert.match(done.err, /^container namespaces: 1 deleted, 0 not\.$/m);
  const { count } = await api("default").get("domains/?name=full");
  assert.equal(count, 0);
});

test("a profile of pulp-cli names the server, and --cleanup-only leaves the empty domain", async (t) => {
  const inside = await furnish("emptied");
  const folder = await mkdtemp(join(tmpdir(), "deckle-operator-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "cli.toml");
  const { apiUrl, username } = server();
  await writeFile(
    config,
    `[cli-stage]\nbase_url = "${apiUrl}"\napi_root = "pulp"\nusername = "${username}"\n`,
  );
  const netrc = join(folder, "netrc");
  await writeFile(netrc, `machine 127.0.0.1 login ${username} password "${server().password}"\n`);

  const words = ["--domain", "emptied", "--config", config, "--profile", "stage"];
  const done = await runOperator(["delete_domain", "--cleanup-only", ...words], { NETRC: netrc });
  assert.equal(done.code, 0, done.err);
  assert.equal(done.out, "The domain emptied is empty.\n");
  for (const list of LISTS) assert.equal((await inside.get(`${list}/`)).count, 0, list);
  assert.equal((await inside.get("content/")).count, 0);
});

test("what is no domain to delete ends with 1 and changes nothing", async () => {
  const say = async (...words: readonly string[]) => {
    const { code, out, err } = await runOperator(["delete_domain", ...words]);
    assert.deepEqual([code, out], [1, ""]);
    return err;
  };
  assert.match(await say("--domain", "default", ...at(server())), /default cannot be deleted\.$/m);
  assert.match(await say("--domain", "nowhere", ...at(server())), /There is no domain 'nowhere'/);
  assert.match(await say(...at(server())), /Which domain\? Give --domain NAME\.$/m);
  assert.match(
    await say("--domain", "x", ...at({ ...server(), password: "wrong" })),
    /GET \/pulp\/default\/api\/v3\/domains\/ answered 401/,
  );
  const nobody = await say("--domain", "x", ...at({ ...server(), apiUrl: "http://127.0.0.1:9" }));
  assert.match(nobody, /http:\/\/127\.0\.0\.1:9\/.* cannot be reached/);
  assert.match(await say("--domian", "x"), /Unknown option '--domian'/);
});

test("an interrupt ends it with 130", async () => {
  await furnish("held", 60);
  const running = startOperator(["delete_domain", "--domain", "held", ...at(server())]);
  running.child.stderr?.once("data", () => running.child.kill("SIGINT"));
  const { code, err } = await running.ended;
  assert.equal(code, 130, err);
  assert.match(err, /^delete_domain: interrupted\.$/m);
  const again = await runOperator(["delete_domain", "--domain", "held", ...at(server())]);
  assert.equal(again.code, 0, again.err);
});
