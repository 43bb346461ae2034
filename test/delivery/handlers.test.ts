import assert from "node:assert/strict";
import { test } from "node:test";
import { createSite } from "./site.ts";

const CP = "/pulp/content/";
const text = ({ body }: { readonly body: Buffer }) => body.toString();

test("a plugin answers, adds headers and names, and knows layouts", async (t) => {
  const site = await createSite(t, {
    handlers: [
      {
        type: "pkg.pkg",
        async resolve(_ctx, { path, query }) {
          if (path === "special")
            return {
              kind: "reply",
              status: 203,
              headers: { "X-A": "b" },
              body: `q=${query.get("q")}`,
            };
          if (path === "alias") return { kind: "content_artifact", id: alias };
          if (path === "away") return { kind: "redirect", status: 302, location: "/x%20y" };
          return path === "gone"
            ? { kind: "missing", status: 410, reason: "Gone away" }
            : undefined;
        },
        async resolveJson(_ctx, { path }) {
          if (path !== "") return undefined;
          return {
            kind: "reply",
            status: 200,
            headers: {},
            body: '{"plugin":1}',
            isCacheable: true,
          };
        },
        headers: (path) => (path.endsWith(".rpm") ? { "content-type": "application/x-rpm" } : {}),
        listDirectory: async (_ctx, _request, directory) => (directory === "" ? ["a/", "zz"] : []),
      },
      {
        type: "doc.doc",
        layouts: { "doc:flat": (path) => path.split("/").at(-1) },
      },
    ],
  });
  const repo = await site.rows.repository("pkg.pkg");
  const version = await site.rows.version(repo, 1, [{ path: "b.rpm", bytes: "rpm" }]);
  const alias = version.units[0]?.contentArtifact ?? "";
  await site.rows.distribution("v", { type: "pkg.pkg", repository: repo.id });
  const docs = await site.rows.repository();
  const { id } = await site.rows.version(docs, 1, [{ path: "f.txt", bytes: "flat" }]);
  await site.rows.publication(id, { layout: "doc:flat" });
  await site.rows.distribution("d", { repository: docs.id });

  const special = await site.get(`${CP}v/special?q=7`);
  assert.deepEqual([special.status, text(special), special.headers["x-a"]], [203, "q=7", "b"]);
  assert.equal(text(await site.get(`${CP}v/special?q=8`)), "q=8");
  assert.equal(text(await site.get(`${CP}v/alias`)), "rpm");
  assert.equal((await site.get(`${CP}v/away`)).headers.location, "/x%20y");
  assert.equal(text(await site.get(`${CP}v/gone`)), "410: Gone away");
  assert.equal(text(await site.get(`${CP}v/`, { accept: "application/json" })), '{"plugin":1}');
  const rpm = await site.get(`${CP}v/b.rpm`);
  assert.equal(rpm.headers["content-type"], "application/x-rpm");
  const names = [...text(await site.get(`${CP}v/`)).matchAll(/href="\.\/([^"]+)"/g)];
  assert.deepEqual(
    names.map(([, name]) => name),
    ["a/", "b.rpm", "zz"],
  );
  assert.equal(text(await site.get(`${CP}d/Packages/f/f.txt`)), "flat");
});

test("further routes take their own paths", async (t) => {
  const site = await createSite(t, {
    routes: [
      {
        path: "/v2/",
        handle: async (_ctx, request, response) => void response.end(`${request.method} registry`),
      },
      { path: "/token", handle: () => Promise.reject(new Error("broken")) },
    ],
  });
  assert.equal(text(await site.fetch({ method: "PUT", path: "/v2/x/blobs" })), "PUT registry");
  assert.equal((await site.get("/token")).status, 500);
  assert.equal((await site.get("/token/x")).status, 404);
  assert.equal((await site.get("/v2")).status, 404);
});
