import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type ContentServer, createContentServer } from "#delivery/server.ts";
import { servePulled } from "#plugins/python/pull/deliver.ts";
import { sdist, wheel } from "./distributions.ts";
import { createPythonApi, DISTRIBUTIONS, made, modify, REPOSITORIES, uploaded } from "./support.ts";

async function world(t: TestContext) {
  const servers: ContentServer[] = [];
  t.after(() => Promise.all(servers.map((server) => server.close(AbortSignal.timeout(2000)))));
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const units = [
    (await uploaded(api, wheel())).pulp_href,
    (await uploaded(api, sdist())).pulp_href,
  ];
  await modify(api, repository, { add_content_units: units });
  const { pulp_href: index } = await made(api, DISTRIBUTIONS, {
    ...{ name: "index", base_path: "index", repository },
  });
  await made(api, DISTRIBUTIONS, { name: "all", base_path: "all", members: [index] });
  return {
    ...{ api, index },
    /** A process of the content app, which ends when it is disposed. */
    async content() {
      const server = createContentServer(api.ctx, { handlers: [servePulled] });
      servers.push(server);
      const { port } = (await server.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
      return {
        async get(path: string, init: RequestInit = {}) {
          const answer = await fetch(`http://127.0.0.1:${port}/pulp/content/${path}`, init);
          await answer.arrayBuffer();
          return answer.status;
        },
        async [Symbol.asyncDispose]() {
          servers.splice(servers.indexOf(server), 1);
          await server.close(AbortSignal.timeout(2000));
        },
      };
    },
    counts: async (query = "") => {
      const { body } = await api.get(`${index}downloads/${query}`);
      return Object.fromEntries(
        body.results.map((row: { filename: string; count: number }) => [row.filename, row.count]),
      );
    },
  };
}

test("whole files are counted, by every process, and nothing else is", async (t) => {
  const w = await world(t);
  const [file, source] = [wheel().filename, sdist().filename];
  {
    await using content = await w.content();
    const get = (path: string, init?: RequestInit) => content.get(`index/${path}`, init);
    for (let times = 0; times < 5; times += 1) assert.equal(await get(file), 200);
    assert.equal(await get(source), 200);
    assert.equal(await get(`${file}.metadata`), 200);
    assert.equal(await get(file, { method: "HEAD" }), 200);
    assert.equal(await get(file, { headers: { range: "bytes=0-1" } }), 206);
    assert.equal(await get("other-1.0.tar.gz"), 404);
  }
  {
    await using content = await w.content();
    assert.equal(await content.get(`index/${file}`), 200);
  }

  assert.deepEqual(await w.counts("?ordering=-count"), { [file]: 6, [source]: 1 });
  assert.deepEqual(await w.counts(`?filename=${source}`), { [source]: 1 });
});

test("metadata tell the counts, of a group those of its members", async (t) => {
  const w = await world(t);
  {
    await using content = await w.content();
    await content.get(`index/${wheel().filename}`);
  }
  for (const base of ["index", "all"]) {
    const { body } = await w.api.get(`/pypi/${base}/pypi/shelf-reader/json/`, { user: null });
    const counts = body.urls.map((one: { packagetype: string; downloads: number }) => [
      one.packagetype,
      one.downloads,
    ]);
    assert.deepEqual(Object.fromEntries(counts), { bdist_wheel: 1, sdist: -1 }, base);
  }
});

test("a thousand downloads are a few statements, and those of what is gone are none", async (t) => {
  const w = await world(t);
  const statements = await w.api.statementsOf(async () => {
    await using content = await w.content();
    for (let times = 0; times < 1000; times += 1) await content.get(`index/${wheel().filename}`);
    assert.equal((await w.api.request("DELETE", w.index)).status, 202);
  });
  const counting = statements.filter((text) => text.includes("python_download"));
  assert.ok(counting.length <= 3, `${counting.length}`);
});
