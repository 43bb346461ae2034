import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { type ContentServer, createContentServer } from "#delivery/server.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { sdist, wheel } from "./distributions.ts";
import {
  createPythonApi,
  DISTRIBUTIONS,
  made,
  modify,
  PUBLICATIONS,
  REPOSITORIES,
  uploaded,
} from "./support.ts";

test("files lie flat with their metadata, and a publication adds its pages", async (t) => {
  const closing: { server?: ContentServer } = {};
  // Hooks run in the order of their registration: the server ends before its database.
  t.after(() => closing.server?.close(AbortSignal.timeout(2000)));
  const api = await createPythonApi(t);
  const { pulp_href: repository } = await made(api, REPOSITORIES, { name: "r" });
  const file = wheel();
  const units = [(await uploaded(api, file)).pulp_href, (await uploaded(api, sdist())).pulp_href];
  await modify(api, repository, { add_content_units: units });
  const task = await endedTask(api, await api.post(PUBLICATIONS, { repository }));
  const [publication] = task.created_resources;
  await made(api, DISTRIBUTIONS, { name: "live", base_path: "live", repository });
  await made(api, DISTRIBUTIONS, { name: "published", base_path: "published", publication });
  const server = createContentServer(api.ctx, { handlers: [] });
  closing.server = server;
  const { port } = (await server.listen({ port: 0, host: "127.0.0.1" })) as AddressInfo;
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}/pulp/content/${path}`);
    return { status: answer.status, text: await answer.text() };
  };

  for (const base of ["live", "published"]) {
    const metadata = { status: 200, text: file.metadata };
    assert.deepEqual(await get(`${base}/${file.filename}.metadata`), metadata);
    assert.equal((await get(`${base}/${sdist().filename}`)).status, 200);
    assert.equal((await get(`${base}/${sdist().filename}.metadata`)).status, 404);
  }
  assert.equal((await get("live/simple/")).status, 404);
  assert.match((await get("published/simple/")).text, /<a href="shelf-reader\/">shelf-reader/);
  const page = await get("published/simple/shelf-reader/");
  assert.match(
    page.text,
    new RegExp(`href="\\.\\./\\.\\./${file.filename}#sha256=${file.sha256}"`),
  );
});
