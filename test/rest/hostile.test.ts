import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestApi, ROOT } from "../support/rest-api.ts";
import { addDomain, addTask } from "../support/rest-rows.ts";

const CONTROL = "\u001b[31mred\r\nFAKE: line";

test("control characters come back escaped and never reach the log raw", async (t) => {
  const api = await createTestApi(t);

  const made = await api.post("users/", { username: "a", first_name: CONTROL });
  assert.equal(made.status, 201);
  assert.equal(made.body.first_name, CONTROL);
  assert.equal(made.text.includes("\u001b"), false);
  const refused = await api.post("users/", {
    username: `b${CONTROL}`,
    [CONTROL]: 1,
    email: CONTROL,
  });
  assert.equal(refused.status, 400);
  assert.equal(refused.text.includes("\u001b"), false);
  const filter = await api.get(`users/?${encodeURIComponent(CONTROL)}=1`);
  assert.equal(filter.status, 400);
  assert.equal(filter.text.includes("\u001b"), false);
  const isControl = (character: string) => character < " " && character !== "\n";
  assert.equal(
    api.logged.some((line) => [...line].some(isControl)),
    false,
  );
});

test("ten thousand labels and a long description are kept or refused, quickly", async (t) => {
  const api = await createTestApi(t);
  const labels = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`k${n}`, "v"]));
  const started = performance.now();

  const many = await api.post("repositories/file/file/", { name: "a", pulp_labels: labels });
  const long = await api.post("repositories/file/file/", {
    name: "b",
    description: "x".repeat(1 << 20),
  });

  assert.ok([201, 400].includes(many.status), String(many.status));
  assert.ok([201, 400].includes(long.status), String(long.status));
  assert.ok(performance.now() - started < 3000);
});

const MISSING = "01900000-0000-7000-8000-000000000000";

test("what is in another domain cannot be told from what is nowhere", async (t) => {
  const api = await createTestApi(t);
  const foreign = await addTask(api, { domain: await addDomain(api), state: "completed" });
  const path = (id: string) => `tasks/${id}/`;
  const requests = [
    ["GET", (id: string) => path(id), undefined],
    ["DELETE", (id: string) => path(id), undefined],
    ["PATCH", (id: string) => path(id), { state: "canceled" }],
    ["GET", (id: string) => `${path(id)}list_roles/`, undefined],
    ["POST", (id: string) => `${path(id)}add_role/`, { role: "core.task_viewer" }],
    ["GET", (id: string) => `${path(id)}profile_artifacts/`, undefined],
    ["GET", (id: string) => `tasks/?created_resources=${ROOT}${path(id)}`, undefined],
    ["GET", (id: string) => `tasks/?parent_task=${ROOT}${path(id)}`, undefined],
  ] as const;

  for (const [method, pathOf, json] of requests) {
    const options = json === undefined ? {} : { json };
    const [there, nowhere] = await Promise.all([
      api.request(method, pathOf(foreign), options),
      api.request(method, pathOf(MISSING), options),
    ]);
    assert.equal(there.status, nowhere.status, pathOf("ID"));
    assert.equal(there.text.replaceAll(foreign, "ID"), nowhere.text.replaceAll(MISSING, "ID"));
  }
});

test("no read-only key can be set by anybody, in any body", async (t) => {
  const api = await createTestApi(t);
  const forged = {
    pulp_href: `${ROOT}uploads/${MISSING}/`,
    prn: "prn:core.upload:x",
    pulp_created: "2001-01-01T00:00:00Z",
    pulp_last_updated: "2001-01-01T00:00:00Z",
    completed: "2001-01-01T00:00:00Z",
  };

  const { status, body } = await api.post("uploads/", { size: 1, ...forged });

  assert.equal(status, 201);
  assert.notEqual(body.pulp_href, forged.pulp_href);
  assert.notEqual(body.pulp_created, forged.pulp_created);
  for (const key of ["domain", "id", "pulp_id", "user"]) {
    assert.equal((await api.post("uploads/", { size: 1, [key]: 1 })).status, 400, key);
  }
});

const REFERENCES: readonly (readonly [unknown, string])[] = [
  [`${ROOT}users/1/`, "Invalid hyperlink - Incorrect URL match."],
  [`${ROOT}nowhere/`, "Invalid hyperlink - No URL match."],
  [`${ROOT}remotes/file/file/${MISSING}/`, "Invalid hyperlink - Object does not exist."],
  [
    `https://x.example${ROOT}remotes/file/file/${MISSING}/`,
    "Invalid hyperlink - Object does not exist.",
  ],
  [5, "Incorrect type. Expected URL string, received int."],
  [["x"], "Incorrect type. Expected URL string, received list."],
  [
    "prn:file.fileremote",
    "PRN must be of the form 'prn:app_label.model_label:pk': prn:file.fileremote",
  ],
  ["prn:file.fileremote:zz", "PK invalid: zz"],
  ["prn:file.nonsense:1", "Model file.nonsense does not exist"],
  ["prn:nonsense:1", "The model must be in the form of 'app_label.model_label': nonsense"],
  [`prn:core.task:${MISSING}`, "Invalid hyperlink - Incorrect URL match."],
];

test("references that lead nowhere say so", async (t) => {
  const api = await createTestApi(t);
  for (const [remote, text] of REFERENCES) {
    const { status, body } = await api.post("repositories/file/file/", { name: "r", remote });
    assert.equal(status, 400, String(remote));
    assert.deepEqual(body, { remote: [text] }, String(remote));
  }
});

test("a failing statement of ours is a 500 without a word about it", async (t) => {
  const api = await createTestApi(t);
  await api.get("users/1/");
  await api.ctx.db.schema.dropTable("task_schedule").execute();

  const { status, body, text } = await api.get("task-schedules/");

  assert.equal(status, 500);
  assert.deepEqual(Object.keys(body), ["detail"]);
  assert.equal(text.includes("task_schedule"), false);
  assert.equal(
    api.logged.some((line) => line.startsWith("ERROR") && line.includes("task_schedule")),
    true,
  );
});
