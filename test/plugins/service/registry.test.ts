import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { container } from "#plugins/container/plugin.ts";
import { service } from "#plugins/service/plugin.ts";
import { serveDoors } from "../../support/doors.ts";
import { createTestApi } from "../../support/rest-api.ts";
import { as, below, headersFor, make, makeDomain, serviceSettings, user } from "./support.ts";

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
  const ask = (who: keyof typeof PEOPLE, method: string, path: string, body?: string) =>
    fetch(`${origin}/v2/${path}`, {
      method,
      headers: PEOPLE[who],
      ...(body === undefined ? {} : { body }),
    });
  return Object.assign(ask, { api });
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

test("9.2: rules before the guard of a distribution are about the registry too", async (t) => {
  const ask = await createHosted(t);
  const { api } = ask;
  const digest = `sha256:${createHash("sha256").update("layer").digest("hex")}`;
  const push = async (name: string) =>
    (await ask("ben", "POST", `own/${name}/blobs/uploads/?digest=${digest}`, "layer")).status;
  const pull = async () => (await ask("ben", "GET", `own/app/blobs/${digest}`)).status;
  assert.deepEqual([await push("app"), await pull()], [201, 200]);
  const distributions = below("own", "distributions/container/container/");
  const [{ content_guard }] = (await api.get(distributions)).body.results;
  const rules = below("own", "rh_cert_guard_permission/");
  const rule = (name: string, json: object) =>
    make(api, rules, { name, content_guard, effect: "deny", org_id: "1", ...json });

  const pushes = await rule("pushes", { actions: ["push"] });
  const denied = await ask("ben", "POST", `own/app/blobs/uploads/?digest=${digest}`, "layer");
  assert.equal(denied.status, 403);
  assert.equal(((await denied.json()) as { errors: { code: string }[] }).errors[0]?.code, "DENIED");
  assert.equal(await pull(), 200);
  assert.equal((await api.request("DELETE", pushes)).status, 204);
  assert.equal(await push("app"), 201);

  const blobs = await rule("blobs", { path_prefixes: ["blobs"] });
  assert.deepEqual([await pull(), await push("app")], [403, 201]);
  assert.equal((await ask("ben", "GET", "own/app/tags/list")).status, 200);
  await api.request("DELETE", blobs);

  await rule("pulls", { actions: ["pull"] });
  const mount = await ask(
    "ben",
    ...(["POST", `own/new/blobs/uploads/?mount=${digest}&from=own/app`] as const),
  );
  assert.equal(mount.status, 202, "what may not be pulled is not mounted either");
  assert.equal((await ask("ana", "GET", `own/app/blobs/${digest}`)).status, 403);
  assert.equal((await ask("eve", "GET", `own/app/blobs/${digest}`)).status, 403);
});

test("9.2: a rule that allows gives no rights in the registry", async (t) => {
  const ask = await createHosted(t);
  const { api } = ask;
  const digest = `sha256:${createHash("sha256").update("layer").digest("hex")}`;
  await ask("ana", "POST", `own/app/blobs/uploads/?digest=${digest}`, "layer");
  const distributions = below("own", "distributions/container/container/");
  const [{ content_guard }] = (await api.get(distributions)).body.results;
  const json = { name: "r", content_guard, org_id: "2", actions: ["pull", "push"] };
  await make(api, below("own", "rh_cert_guard_permission/"), json);
  assert.equal((await ask("eve", "GET", `own/app/blobs/${digest}`)).status, 403);
});
