import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistryMemory } from "#plugins/container/registry/memory.ts";
import { isAccepted, noteRequest, recalledAnswer } from "#plugins/container/registry/recall.ts";
import type { Registry, RepositoryVisit } from "#plugins/container/registry/registry.ts";
import type { Answer, DoorTools, Visit } from "#plugins/container/registry/visit.ts";

const NAME = { full: "team/app", domain: "default", basePath: "team/app" };
const PATH = "/v2/team/app/manifests/1";
const KEY = "d-1 manifest 1";
const TYPE = "application/vnd.oci.image.manifest.v1+json";

const answerOf = (text: string): Answer => ({
  ...{ status: 200, headers: [], validators: {}, hasRanges: false },
  ...{ sizeBytes: text.length, weight: text.length },
  body: { kind: "bytes", bytes: Buffer.from(text) },
});

const visitOf = (
  method: string,
  path = PATH,
  { accept = TYPE, query = undefined as string | undefined } = {},
) =>
  ({
    exchange: { isHead: method === "HEAD", rawPath: path, query, request: { headers: { accept } } },
    ...{ method, prefix: "/", name: NAME },
  }) as unknown as RepositoryVisit;

/** A memory over one distribution, whose clock and row the test moves. */
async function createMemory(budgetBytes = 1_048_576) {
  const state = { now: 1_000_000, mayPull: true, version: "v-1", isPrivate: false, asked: 0 };
  const told: { changed?: (distribution: string, isContentOnly?: boolean) => void } = {};
  const row = () => ({
    ...{
      at: 1,
      domain: 1,
      domain_id: "dd",
      domain_name: "default",
      id: "d-1",
      base_path: "team/app",
    },
    ...{ namespace: "n", namespace_name: "team", pull_through: null, remote: null, xmin: "1" },
    ...{ repository: "r-1", repository_num: 1, repository_type: "container.container" },
    ...{ version: state.version, version_repository: 1, number: 1, private: state.isPrivate },
  });
  const tools = {
    ctx: {
      clock: { now: () => state.now },
      settings: { CACHE_SETTINGS: { EXPIRES_TTL: 600 }, DOMAIN_ENABLED: false },
      hot: {
        inOneFlight: async () => {
          state.asked += 1;
          return [[row()]];
        },
      },
    },
    follow: (listener: { changed(distribution: string, isContentOnly: boolean): void }) => {
      told.changed = (distribution, isContentOnly = false) =>
        listener.changed(distribution, isContentOnly);
      return { depend: () => undefined, stop: async () => undefined };
    },
  } as unknown as DoorTools;
  const memory = new RegistryMemory(tools, budgetBytes);
  const registry = {
    memory,
    access: { mayRecall: () => state.mayPull },
    tools: {},
    pulls: { noteAgain: () => undefined },
  } as unknown as Registry;
  const keep = async (text: string, visit = visitOf("GET"), key = KEY) => {
    const place = await memory.place(NAME);
    assert.ok(place);
    const answer = answerOf(text);
    memory.keep(key, answer, { place, moment: memory.moment });
    noteRequest(registry, visit, { place, key, type: TYPE });
    return answer;
  };
  const recalled = (visit: Visit = visitOf("GET")) => recalledAnswer(registry, visit);
  return { state, told, memory, keep, recalled };
}

test("a request that was answered is answered again, for whoever may pull", async () => {
  const { state, keep, recalled } = await createMemory();
  const answer = await keep("bytes");

  assert.equal(recalled(), answer);
  assert.equal(recalled(visitOf("HEAD")), undefined);
  assert.equal(recalled(visitOf("PUT")), undefined);
  assert.equal(recalled(visitOf("GET", "/v2/team/app/manifests/2")), undefined);
  assert.equal(recalled(visitOf("GET", PATH, { query: "ns=docker.io" })), undefined);
  assert.equal(recalled(visitOf("GET", PATH, { accept: "text/plain" })), undefined);
  state.mayPull = false;
  assert.equal(recalled(), undefined);
});

test("what a name leads to by a query only is not remembered", async () => {
  const { keep, recalled } = await createMemory();
  const led = {
    ...visitOf("GET", PATH, { query: "ns=docker.io" }),
    name: { ...NAME, full: "app" },
  };
  await keep("bytes", led);
  assert.equal(recalled(led), undefined);

  const page = visitOf("GET", PATH, { query: "n=8" });
  const answer = await keep("bytes", page);
  assert.equal(recalled(page), answer);
  assert.equal(recalled(), undefined);
});

test("a change of the distribution forgets its requests, told or seen", async () => {
  const { state, told, memory, keep, recalled } = await createMemory();
  await keep("bytes");
  told.changed?.("d-1");
  assert.equal(recalled(), undefined);

  await keep("bytes");
  memory.outdateRepository("r-1");
  assert.equal(recalled(), undefined);

  await keep("bytes");
  state.version = "v-2";
  await memory.freshPlace(NAME);
  assert.equal(recalled(), undefined);
});

test("a new version forgets answers, and not where pushes go", async () => {
  const { state, told, memory, keep, recalled } = await createMemory();
  for (const change of [() => told.changed?.("d-1", true), () => memory.outdateRepository("r-1")]) {
    await keep("bytes");
    const { asked } = state;
    change();

    assert.equal(recalled(), undefined);
    assert.equal((await memory.target(NAME))?.repository?.id, "r-1");
    assert.equal(state.asked, asked);

    state.version = `v-${asked}`;
    assert.equal((await memory.place(NAME))?.version?.id, `v-${asked}`);
    assert.equal(state.asked, asked + 1);
    const answer = await keep("of the new version");
    assert.equal(recalled(), answer);
  }
  await memory.target(NAME);
  const { asked } = state;
  told.changed?.("d-1");
  await memory.target(NAME);
  assert.equal(state.asked, asked + 1);
});

test("an answer that began before a change seen in the database is not kept after it", async () => {
  const { state, memory, recalled } = await createMemory();
  const place = await memory.place(NAME);
  const { moment } = memory;
  assert.ok(place);
  state.version = "v-2";
  await memory.freshPlace(NAME);

  memory.keep(KEY, answerOf("of version 1"), { place, moment });

  assert.equal(memory.answer(KEY), undefined);
  assert.equal(recalled(), undefined);
});

test("where the name leads is looked up again after five seconds", async () => {
  const { state, memory, keep, recalled } = await createMemory();
  const answer = await keep("bytes");

  state.now += 4999;
  assert.equal(recalled(), answer);
  state.now += 1;
  assert.equal(recalled(), undefined);
  await memory.place(NAME);
  assert.equal(recalled(), answer);
});

test("requests go with their answers, and each answer has few of them", async () => {
  const { memory, keep, recalled } = await createMemory(65_536);
  const paths = Array.from(
    { length: 6 },
    (_, n) => `/v2/team/app/manifests/${"%31".repeat(n + 1)}`,
  );
  const answer = await keep("bytes", visitOf("GET", paths[0]));
  const place = await memory.place(NAME);
  assert.ok(place);
  for (const path of paths.slice(1)) memory.note(path, KEY, null);
  assert.deepEqual(
    paths.map((path) => recalled(visitOf("GET", path)) === answer),
    [true, true, true, true, false, false],
  );

  const replaced = answerOf("the same bytes, elsewhere");
  memory.replace(KEY, answer, replaced);
  assert.equal(memory.answer(KEY), replaced);
  memory.replace(KEY, answer, answer);
  assert.equal(memory.answer(KEY), replaced);
  memory.note(PATH, KEY, null);
  assert.equal(recalled(), replaced);

  for (let n = 0; n < 64; n += 1) {
    memory.keep(`other ${n}`, answerOf("x".repeat(1000)), { place, moment: memory.moment });
  }
  assert.ok(memory.bytes <= 65_536);
  assert.equal(recalled(), undefined);
});

test("types are accepted as they are, by wildcards, and weighted", () => {
  for (const accept of [undefined, TYPE, `text/plain, ${TYPE};q=0.5`, "*/*", "application/*;q=0.1"])
    assert.equal(isAccepted(accept, TYPE), true, accept);
  for (const accept of ["text/plain", "image/*", `${TYPE}x`, ""])
    assert.equal(isAccepted(accept, TYPE), false, accept);
});
