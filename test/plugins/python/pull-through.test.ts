import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import type { Settings } from "#platform/config/settings.ts";
import { python } from "#plugins/python/plugin.ts";
import { servePulled } from "#plugins/python/pull/deliver.ts";
import { createSite } from "../../delivery/site.ts";
import { eventually } from "../../support/eventually.ts";
import { runTasks } from "../../support/run-tasks.ts";
import { answer, createUpstream } from "../../support/upstream.ts";
import { type Distribution, wheel } from "./distributions.ts";
import { html, SIMPLE_JSON, sha256 } from "./mirror-world.ts";
import { createPythonApi, DISTRIBUTIONS, made, REMOTES, REPOSITORIES } from "./support.ts";

const ORIGIN = "https://files.example";
const JSON_ONLY = { accept: SIMPLE_JSON };

interface Options {
  readonly remote?: object;
  readonly hasRepository?: boolean;
  readonly settings?: object;
}

/** An index with a remote, the content app beside it, and an upstream that has one wheel. */
async function world(t: TestContext, options: Options = {}) {
  const settings = {
    PYPI_API_HOSTNAME: "https://index.example",
    CONTENT_ORIGIN: ORIGIN,
    PYTHON_UPSTREAM_PAGE_SECONDS: 0,
    ...options.settings,
  } as unknown as Partial<Settings>;
  const api = await createPythonApi(t, settings);
  const upstream = await createUpstream(t);
  upstream.otherwise(answer.status(404));
  const remote = await made(api, REMOTES, {
    ...{ name: "up", url: `${upstream.url}/up/`, max_retries: 0 },
    ...options.remote,
  });
  const repository =
    options.hasRepository === false ? undefined : await made(api, REPOSITORIES, { name: "r" });
  await made(api, DISTRIBUTIONS, {
    ...{ name: "index", base_path: "index", remote: remote.pulp_href },
    ...(repository ? { repository: repository.pulp_href } : {}),
  });
  const site = await createSite(t, {
    ...{ beside: api, plugins: [python], handlers: [servePulled] },
    settings,
  });
  const file = wheel({ version: "0.2", headers: ["Requires-Dist: six"] });
  return {
    ...{ api, site, upstream, file, repository },
    files: async (name = "shelf-reader") => {
      const page = await api.get(`/pypi/index/simple/${name}/`, { user: null, headers: JSON_ONLY });
      return page.status === 200 ? page.body.files : page.status;
    },
    /** Asks the content app for what a page told. */
    fetch: (url: string) => site.get(url.slice(ORIGIN.length)),
    /** Waits until the file that was fetched is a package. */
    kept: () =>
      eventually(async () => {
        const { rows } = await sql`select from python_package`.execute(api.ctx.db);
        assert.equal(rows.length, 1);
      }),
    added: async () => {
      await eventually(async () => {
        const { rows } = await sql`select from task where name like '%pull_through%'`.execute(
          api.ctx.db,
        );
        assert.equal(rows.length, 1);
      });
      await runTasks(api);
      const { rows } = await sql<{ filename: string; stored: boolean }>`
        select ca.relative_path as filename, ca.artifact is not null as stored
        from membership m join content_artifact ca on ca.content = m.content
        order by 1`.execute(api.ctx.db);
      return rows;
    },
    state: async () => {
      const { rows } = await sql<{ units: number; tasks: number }>`
        select (select count(*) from python_package)::int as units,
          (select count(*) from task where name like '%pull_through%')::int as tasks`.execute(
        api.ctx.db,
      );
      return rows[0];
    },
  };
}

type World = Awaited<ReturnType<typeof world>>;

function serve({ upstream }: World, file: Distribution, more: object = {}): void {
  const entry = { filename: file.filename, url: `../../f/${file.filename}`, ...more };
  const page = { name: "shelf-reader", files: [{ hashes: { sha256: file.sha256 }, ...entry }] };
  const headers = { "content-type": SIMPLE_JSON };
  upstream.on("/up/simple/shelf-reader/", answer.file(JSON.stringify(page), headers));
  upstream.on(`/up/f/${file.filename}`, answer.file(file.bytes));
  upstream.on(`/up/f/${file.filename}.metadata`, answer.file(file.metadata));
}

const told = {
  "requires-python": ">=3.8",
  "core-metadata": { sha256: "ab".repeat(32) },
  "upload-time": "2024-01-02T03:04:05.000001Z",
  size: 1234,
  yanked: "old",
  provenance: "https://up.example/p",
};

test("a page lists what upstream has, with its facts and signed addresses", async (t) => {
  const w = await world(t);
  serve(w, w.file, told);

  const [file] = await w.files("Shelf.Reader");

  const { url, ...facts } = file;
  assert.deepEqual(facts, {
    ...told,
    filename: w.file.filename,
    hashes: { sha256: w.file.sha256 },
    "data-dist-info-metadata": told["core-metadata"],
  });
  const shown = new URL(url);
  assert.equal(
    `${shown.origin}${shown.pathname}`,
    `${ORIGIN}/pulp/content/index/${w.file.filename}`,
  );
  assert.equal(shown.searchParams.get("redirect"), `${w.upstream.url}/up/f/${w.file.filename}`);
});

test("an HTML upstream and an HTML page escape each other's values", async (t) => {
  const w = await world(t);
  w.upstream.on(
    "/up/simple/shelf-reader/",
    html(
      '<a href="../../f/shelf-reader-1.tar.gz" data-yanked="&lt;b&gt;" data-core-metadata="true">',
    ),
  );

  const { text } = await w.api.get("/pypi/index/simple/shelf-reader/", { user: null });

  assert.match(text, /data-yanked="&lt;b&gt;"/);
  assert.match(text, /data-core-metadata="true"/);
  assert.match(text, /signature=[\w-]{22}&amp;redirect=http/);
  assert.doesNotMatch(text, /#sha256/);
});

test("a file is fetched once, kept as a package, and joins the repository", async (t) => {
  const w = await world(t);
  serve(w, w.file);
  const [{ url }] = await w.files();

  const first = await w.fetch(url);
  const added = await w.added();
  const second = await w.fetch(url);
  const [local] = await w.files();
  const third = await w.fetch(local.url);

  for (const { status, body } of [first, second, third])
    assert.deepEqual([status, sha256(body)], [200, w.file.sha256]);
  assert.equal(w.upstream.asked(`/up/f/${w.file.filename}`).length, 1);
  assert.deepEqual(added, [
    { filename: w.file.filename, stored: true },
    { filename: `${w.file.filename}.metadata`, stored: true },
  ]);
  assert.equal(local.url, `${ORIGIN}/pulp/content/index/${w.file.filename}`);
  assert.deepEqual(local["core-metadata"], { sha256: sha256(w.file.metadata) });
  assert.deepEqual(await w.state(), { units: 1, tasks: 1 });
});

test("without a repository a file is kept all the same, and fetched once", async (t) => {
  const w = await world(t, { hasRepository: false });
  serve(w, w.file);
  const [{ url }] = await w.files();

  await w.fetch(url);
  await w.kept();
  const again = await w.fetch(url);

  assert.equal(sha256(again.body), w.file.sha256);
  assert.equal(w.upstream.asked(`/up/f/${w.file.filename}`).length, 1);
  assert.deepEqual(await w.state(), { units: 1, tasks: 0 });
});

test("requests at the same time share one download", async (t) => {
  const w = await world(t);
  serve(w, w.file);
  const [{ url }] = await w.files();

  const answers = await Promise.all(Array.from({ length: 5 }, () => w.fetch(url)));

  assert.ok(answers.every(({ body }) => sha256(body) === w.file.sha256));
  assert.equal(w.upstream.asked(`/up/f/${w.file.filename}`).length, 1);
});

const asMetadata = [
  ["pip", (url: string) => `${url}.metadata`],
  ["uv", (url: string) => url.replace("?", ".metadata?")],
] as const;

for (const [client, address] of asMetadata) {
  test(`metadata are passed on the way ${client} asks, before and after the wheel is here`, async (t) => {
    const w = await world(t);
    serve(w, w.file);
    const [{ url }] = await w.files();

    const before = await w.fetch(address(url));
    const state = await w.state();
    await w.fetch(url);
    await w.added();
    w.upstream.on(`/up/f/${w.file.filename}.metadata`, answer.status(500));
    const after = await w.fetch(address(url));

    assert.equal(before.body.toString(), w.file.metadata);
    assert.deepEqual(state, { units: 0, tasks: 0 });
    assert.equal(after.body.toString(), w.file.metadata);
  });
}

test("an address that no page told is not fetched", async (t) => {
  const w = await world(t);
  serve(w, w.file);
  const [{ url }] = await w.files();
  const before = w.upstream.requests.length;
  const other = encodeURIComponent(`${w.upstream.url}/secret`);

  const forged = [
    url.replace(/redirect=.*/, `redirect=${other}`),
    url.replace(/signature=[^&]*/, "signature=AAAAAAAAAAAAAAAAAAAAAA"),
    url.replace(/signature=[^&]*&/, ""),
    url.replace(/sha256=[^&]*&/, ""),
    url.replace("shelf_reader-0.2", "shelf_reader-0.3"),
    `${ORIGIN}/pulp/content/index/x.whl?redirect=${other}`,
  ];

  for (const address of forged) assert.equal((await w.fetch(address)).status, 404, address);
  assert.equal(w.upstream.requests.length, before);
});

test("wrong bytes break off and are not kept", async (t) => {
  const w = await world(t);
  serve(w, w.file);
  w.upstream.on(`/up/f/${w.file.filename}`, answer.corrupted(w.file.bytes));
  const [{ url }] = await w.files();

  const { isBroken } = await w.fetch(url);

  assert.ok(isBroken);
  assert.deepEqual(await w.state(), { units: 0, tasks: 0 });
});

test("what is no package is passed on and not kept", async (t) => {
  const w = await world(t);
  const bytes = Buffer.from("no wheel at all");
  serve(w, { ...w.file, bytes, sha256: sha256(bytes) });
  const [{ url }] = await w.files();

  const { status, body } = await w.fetch(url);

  assert.deepEqual([status, body.toString()], [200, "no wheel at all"]);
  assert.deepEqual(await w.state(), { units: 0, tasks: 0 });
  await eventually(() => assert.ok(w.site.logged.some((line) => /is not kept/.test(line))));
});

test("a streamed remote keeps nothing", async (t) => {
  const w = await world(t, { remote: { policy: "streamed" } });
  serve(w, w.file);
  const [{ url }] = await w.files();

  assert.equal(sha256((await w.fetch(url)).body), w.file.sha256);
  assert.deepEqual(await w.state(), { units: 0, tasks: 0 });
});

test("credentials go to upstream's origin and nowhere else", async (t) => {
  const cdn = await createUpstream(t);
  const w = await world(t, { remote: { username: "me", password: "secret" } });
  serve(w, w.file, { url: `${cdn.url}/${w.file.filename}` });
  cdn.on(`/${w.file.filename}`, answer.file(w.file.bytes));
  const [{ url }] = await w.files();

  assert.equal((await w.fetch(url)).status, 200);

  assert.match(w.upstream.requests[0]?.headers.authorization ?? "", /^Basic /);
  assert.equal(cdn.requests[0]?.headers.authorization, undefined);
});

test("the lists of the remote filter, its other options do not", async (t) => {
  const w = await world(t, {
    remote: { includes: ["shelf-reader<0.3"], package_types: ["sdist"], prereleases: false },
  });
  const names = ["shelf_reader-0.2a1-py3-none-any.whl", "shelf_reader-0.3-py3-none-any.whl"];
  const files = names.map((filename) => ({ filename, url: `/${filename}`, hashes: {} }));
  const body = JSON.stringify({ files });
  for (const name of ["shelf-reader", "other"])
    w.upstream.on(`/up/simple/${name}/`, answer.file(body, { "content-type": SIMPLE_JSON }));

  const listed = await w.files();

  assert.deepEqual(
    listed.map(({ filename }: { filename: string }) => filename),
    names.slice(0, 1),
  );
  assert.equal(await w.files("other"), 404);
  assert.equal(w.upstream.asked("/up/simple/other/").length, 0);
});

test("a page is asked for with what is known of it, and used on while upstream fails", async (t) => {
  const w = await world(t);
  serve(w, w.file);
  await w.files();

  await w.files();
  w.upstream.on("/up/simple/shelf-reader/", answer.status(503));
  const stale = await w.files();

  const [first, second] = w.upstream.requests;
  assert.equal(first?.headers["if-none-match"], undefined);
  assert.ok(second?.headers["if-none-match"]);
  assert.equal(stale.length, 1);
  assert.ok(w.api.logged.some((line) => /an older one is used/.test(line)));
});

test("a page is fresh for a while, and asked for once by all", async (t) => {
  const w = await world(t, { settings: { PYTHON_UPSTREAM_PAGE_SECONDS: 60 } });
  serve(w, w.file);

  await Promise.all(Array.from({ length: 5 }, () => w.files()));
  await w.files();

  assert.equal(w.upstream.requests.length, 1);
});

test("an index of nothing but a remote has upstream's list", async (t) => {
  const w = await world(t, { hasRepository: false, remote: { excludes: ["b", "c<1"] } });
  const projects = [{ name: "A.a" }, { name: "b" }, { name: "c" }];
  const body = JSON.stringify({ projects });
  w.upstream.on("/up/simple/", answer.file(body, { "content-type": SIMPLE_JSON }));

  const json = await w.api.get("/pypi/index/simple/", { user: null, headers: JSON_ONLY });
  const page = await w.api.get("/pypi/index/simple/", { user: null });
  w.upstream.on("/up/simple/", answer.status(500));
  const failed = await w.api.get("/pypi/index/simple/", { user: null });

  const names = json.body.projects.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ["A.a", "c"]);
  assert.match(page.text, /<a href="a-a\/">A.a<\/a>/);
  assert.equal(failed.status, 502);
});

for (const [name, fault] of [
  ["has no such project", answer.status(404)],
  ["fails", answer.status(500)],
  ["sends junk", answer.file('{"files":', { "content-type": SIMPLE_JSON })],
  ["redirects in a circle", answer.redirect("/up/simple/shelf-reader/")],
] as const) {
  test(`an upstream that ${name} leaves what is here`, async (t) => {
    const w = await world(t);
    w.upstream.on("/up/simple/shelf-reader/", fault);
    assert.equal(await w.files(), 404);
  });
}
