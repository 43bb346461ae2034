import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOrganisations } from "./organisation-cells.ts";
import { canary, createOrganisations, PEOPLE } from "./organisations.ts";

test("domains of two organisations: nobody passes whom the table refuses, no canary is seen across", (t) =>
  checkOrganisations(t, ["a-one", "b-one"]));

test("objects of another domain are not there by one's own, whatever their id", async (t) => {
  const world = await createOrganisations(t);
  const { api } = world;
  const ana = PEOPLE.ana?.options ?? {};
  const missed: string[] = [];
  let asked = 0;
  for (const [path, href] of world.hrefs.get("b-one") ?? []) {
    const across = href.replace("/b-one/", "/a-one/");
    if (across === href) continue;
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const json = method === "GET" ? {} : { json: {} };
      const answer = await api.request(method, across, { ...ana, ...json });
      asked += 1;
      const isGone = answer.status === 404 || answer.status === 405;
      if (!isGone || answer.text.includes(canary("b-one")))
        missed.push(`${method} ${path}: ${answer.status} ${answer.text}`);
    }
  }
  assert.ok(asked > 40, `${asked}`);
  assert.deepEqual(missed, []);
});
