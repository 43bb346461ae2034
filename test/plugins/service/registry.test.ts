import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import { serveDoors } from "../../support/doors.ts";
import { createTestApi } from "../../support/rest-api.ts";
import { as, headersFor, makeDomain, serviceSettings, user } from "./support.ts";

const PEOPLE = {
  ana: headersFor(user("ana", "1")),
  /** A colleague of Ana's. */
  ben: headersFor(user("ben", "1")),
  eve: headersFor(user("eve", "2")),
  stranger: {},
} as const;

/** The registry of a hosted service, in which Ana has a domain of her own and a public one. */
async function createHosted(t: TestContext) {
  const api = await createTestApi(t, {
    shipped: [container, service],
    settings: serviceSettings(undefined, { TOKEN_AUTH_DISABLED: true }),
  });
  for (const name of ["own", "public-ana"]) await makeDomain(api, name, as(user("ana", "1")));
  const origin = await serveDoors(t, api.ctx, [container, service]);
  return (who: keyof typeof PEOPLE, method: string, path: string, body?: string) =>
    fetch(`${origin}/v2/${path}`, {
      method,
      headers: PEOPLE[who],
      ...(body === undefined ? {} : { body }),
    });
}

test("the registry of a domain is open to who has it, and to nobody else", async (t) => {
  const ask = await createHosted(t);
  const digest = `sha256:${createHash("sha256").update("layer").digest("hex")}`;
  const push = (who: keyof typeof PEOPLE, domain: string) =>
    ask(who, "POST", `${domain}/app/blobs/uploads/?digest=${digest}`, "layer");
  for (const domain of ["own", "public-ana"]) {
    assert.equal((await push("ana", domain)).status, 201, domain);
    assert.equal((await push("ben", domain)).status, 201, "as his colleague");
    assert.equal((await push("eve", domain)).status, 403, domain);
    assert.equal((await push("stranger", domain)).status, 401, domain);
  }
  const statusOf = async (who: keyof typeof PEOPLE, domain: string) =>
    (await ask(who, "GET", `${domain}/app/blobs/${digest}`)).status;
  assert.equal(await statusOf("ana", "own"), 200);
  assert.equal(await statusOf("ben", "own"), 200);
  assert.equal(await statusOf("eve", "own"), 403, "although the repository is public");
  assert.equal(await statusOf("stranger", "own"), 401);
  assert.equal(await statusOf("eve", "public-ana"), 200);
  assert.equal(await statusOf("eve", "nowhere"), 403, "as one that is not hers");

  const namesOf = async (who: keyof typeof PEOPLE) =>
    ((await (await ask(who, "GET", "_catalog")).json()) as { repositories: string[] }).repositories;
  assert.deepEqual(await namesOf("ana"), ["own/app", "public-ana/app"]);
  assert.deepEqual(await namesOf("eve"), ["public-ana/app"]);
});

test("a blob of another organisation is not mounted", async (t) => {
  const ask = await createHosted(t);
  const digest = `sha256:${createHash("sha256").update("secret").digest("hex")}`;
  await ask("ana", "POST", `own/app/blobs/uploads/?digest=${digest}`, "secret");
  const across = `own/app/blobs/uploads/?mount=${digest}&from=own/app`;
  assert.equal((await ask("eve", "POST", across)).status, 403);
  const inside = `own/other/blobs/uploads/?mount=${digest}&from=own/app`;
  assert.equal((await ask("ben", "POST", inside)).status, 201);
});
