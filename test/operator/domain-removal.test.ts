import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { ServerClient } from "#operator/client/server-client.ts";
import { removeDomain } from "#operator/domains/delete-domain.ts";
import { emptyList } from "#operator/domains/empty-list.ts";
import { type Asked, page, type Said, standIn } from "./support/stand-in.ts";

async function clientOf(t: TestContext, answer: (asked: Asked) => Said) {
  const { url, asked } = await standIn(t, answer);
  const { signal } = new AbortController();
  const connection = { origin: url, apiRoot: "/pulp/", headers: [], tls: {}, verifiesTls: true };
  const client = new ServerClient({ ...connection, timeoutMs: 10_000 }, signal);
  t.after(() => client[Symbol.asyncDispose]());
  const notes: string[] = [];
  const note = (line: string) => void notes.push(line);
  const terminal = { signal, environment: {}, note, print: note };
  return { work: { client, terminal, domain: "team" }, asked, notes };
}

const FAILED = { name: "delete", state: "failed", error: { description: "It is not empty." } };

test("a domain that does not go at once is tried five times", async (t) => {
  let refusals = 4;
  const { work, asked, notes } = await clientOf(t, ({ method }) => {
    if (method !== "DELETE")
      return { json: refusals >= 0 ? FAILED : { ...FAILED, state: "completed" } };
    refusals -= 1;
    return { status: 202, json: { task: "/task/" } };
  });

  assert.equal(await removeDomain(work, "/d/", 0), 0);
  assert.equal(asked.filter(({ method }) => method === "DELETE").length, 5);
  assert.match(
    notes[0] ?? "",
    /^Attempt 1 of 5 .*: The task delete \(\/task\/\) failed: It is not empty\.$/,
  );
  assert.equal(notes.at(-1), "The domain team is deleted.");
});

test("it stays if the server insists, and the reason is told each time", async (t) => {
  const { work, notes } = await clientOf(t, () => ({ status: 403, json: { detail: "No." } }));
  assert.equal(await removeDomain(work, "/d/", 0), 1);
  assert.equal(notes.length, 5);
  assert.match(notes[4] ?? "", /^Attempt 5 of 5 .* answered 403: \{"detail":"No\."\}$/);
});

test("objects that stay are stepped over, named and tried once", async (t) => {
  const objects = new Set(Array.from({ length: 250 }, (_, n) => `/o/${n}/`));
  const { work, asked, notes } = await clientOf(t, ({ method, path }) => {
    if (method === "DELETE") {
      if (Number(path.split("/")[2]) % 50 === 0) return { status: 409, json: { detail: "Used." } };
      objects.delete(path);
      return { status: 204 };
    }
    const query = new URL(path, "http://x").searchParams;
    const from = Number(query.get("offset"));
    const hrefs = [...objects].slice(from, from + Number(query.get("limit")));
    return page(hrefs.map((pulp_href) => ({ pulp_href })));
  });

  const done = await emptyList(work.client, "/list/", {
    ...{ taskTimeoutMs: 1000, note: work.terminal.note },
  });
  assert.deepEqual(done, { deleted: 245, failed: 5 });
  assert.equal(notes.length, 5);
  assert.equal(asked.filter(({ method }) => method === "DELETE").length, 250);
  const missing = await clientOf(t, () => ({ status: 404 }));
  assert.deepEqual(
    await emptyList(missing.work.client, "/list/", { taskTimeoutMs: 1000, note: () => undefined }),
    { deleted: 0, failed: 0 },
  );
});
