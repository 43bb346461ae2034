import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { below, createService, makeDomain, makeGroup } from "./support.ts";

const ORGS = below("default", "domain_orgs/");

/** Rows by their first column. */
const rowsOf = async (api: TestApi) =>
  (await api.get(`${ORGS}?ordering=org_id`)).body.results.map(
    ({ org_id, user, group }: Record<string, unknown>) => [org_id, user, group],
  );

const hrefOf = async (api: TestApi, path: string) =>
  String((await api.get(below("default", path))).body.results[0].pulp_href);

test("5.1: a row that names nobody any more goes with the last that it named", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", {});
  for (const username of ["ana", "ben"]) {
    await api.request("POST", below("default", "users/"), { json: { username } });
  }
  await makeGroup(api, "g", ["ben"]);
  const domains = ["team-a"];
  for (const holder of [
    { user: "ana", group: "g" },
    { group: "g" },
    { user: "ana", org_id: "1" },
  ]) {
    const made = await api.request("POST", ORGS, { json: { ...holder, domains } });
    assert.equal(made.status, 201, made.text);
  }
  const gone = async (path: string) => {
    const answer = await api.request("DELETE", await hrefOf(api, path));
    if (answer.status === 202) await endedTask(api, answer);
    else assert.equal(answer.status, 204, answer.text);
  };
  await gone("groups/?name=g");
  assert.deepEqual(await rowsOf(api), [
    ["1", "ana", null],
    [null, "ana", null],
  ]);
  await gone("users/?username=ana");
  assert.deepEqual(await rowsOf(api), [["1", null, null]]);
  const { rows } = await sql`select from service_domain_org_domain`.execute(api.ctx.db);
  assert.equal(rows.length, 1, "nor does its list of domains stay");
});
