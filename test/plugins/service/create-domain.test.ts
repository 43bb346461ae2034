import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sql } from "kysely";
import type { RequestOptions, TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import {
  as,
  below,
  certificate,
  createService,
  groupsOf,
  makeGroup,
  STRANGER,
  saml,
  user,
} from "./support.ts";

const PATH = "/api/pulp/create-domain/";
const MIGRATE = "/api/pulp/migrate-domain/";
const ANA = as(user("ana", "1"));
const EVE = as(user("eve", "2"));
const SAML = as(saml("ops@example.org"));

const ask = (api: TestApi, json: object, who: RequestOptions, path = PATH) =>
  api.request("POST", path, { ...who, json });

async function world(t: TestContext, more: object = {}, hasTemplate = true) {
  const api = await createService(t, {
    classes: [
      ...["RHServiceAccountCertAuthentication", "RHSamlAuthentication"].map(
        (name) => `pulp_service.app.authentication.${name}`,
      ),
      "pulpcore.app.authentication.BasicAuthentication",
      "pulp_service.app.authentication.RHTermsBasedRegistryAuthentication",
    ],
    ...more,
  });
  if (!hasTemplate) return api;
  const json = {
    name: "template-domain-s3",
    storage_class: "storages.backends.s3boto3.S3Boto3Storage",
    storage_settings: { access_key: "AK", secret_key: "canary-secret", bucket_name: "all" },
  };
  const made = await api.request("POST", below("default", "domains/"), { json });
  assert.equal(made.status, 201, made.text);
  return api;
}

const domains = ({ ctx }: TestApi) => ctx.db.selectFrom("domain").select("name").execute();
const groups = ({ ctx }: TestApi) => ctx.db.selectFrom("app_group").select("name").execute();
const mayWrite = async (api: TestApi, domain: string, who: RequestOptions) => {
  const json = { name: crypto.randomUUID() };
  const { status } = await api.request("POST", below(domain, "repositories/file/file/"), {
    ...who,
    json,
  });
  return status === 201;
};

test("6.1: a domain with the template's store, for the maker's group and organisation", async (t) => {
  const api = await world(t);
  const made = await ask(
    api,
    {
      ...{
        name: "team-a",
        description: "ours",
        storage_class: "nonsense",
        pulp_labels: { a: "b" },
      },
      ...{ storage_settings: { bucket_name: "mine" }, hide_guarded_distributions: true, extra: 1 },
    },
    ANA,
  );
  assert.equal(made.status, 201, made.text);
  const { body } = made;
  assert.equal(body.name, "team-a");
  assert.equal(body.description, "ours");
  assert.equal(body.hide_guarded_distributions, true);
  assert.equal(body.redirect_to_object_storage, true);
  assert.equal(body.storage_class, "storages.backends.s3boto3.S3Boto3Storage");
  assert.equal(body.storage_settings.bucket_name, "all");
  assert.ok(!made.text.includes("canary-secret"), "no secret is shown");
  assert.ok(
    body.storage_settings.hidden_fields.some((one: { name: string }) => one.name === "secret_key"),
  );
  assert.equal(made.headers.location, body.pulp_href);
  assert.deepEqual(await groupsOf(api, "1|ana"), ["domain-team-a", "rh-org-1"]);
  assert.ok(await mayWrite(api, "team-a", ANA));
  assert.ok(await mayWrite(api, "team-a", as(user("colleague", "1"))));
  assert.ok(!(await mayWrite(api, "team-a", EVE)));
  const links = (await api.get(below("default", "domain_orgs/"))).body.results;
  assert.equal(links.length, 1);
  assert.deepEqual(
    [links[0].org_id, links[0].user, links[0].group, links[0].domains],
    ["1", null, "domain-team-a", ["team-a"]],
  );
});

test("24 create-domain: the five ways to its group", async (t) => {
  const api = await world(t);
  await api.get(below("default", "login/"), ANA);
  await makeGroup(api, "crew", ["1|ana"]);

  assert.equal((await ask(api, { name: "a1", group_name: "fresh" }, ANA)).status, 201, "new");
  assert.deepEqual(await groupsOf(api, "1|ana"), ["crew", "fresh", "rh-org-1"]);
  assert.equal((await ask(api, { name: "a2", group_name: "crew" }, ANA)).status, 201, "his own");
  assert.equal((await ask(api, { name: "a3" }, ANA)).status, 201, "none given");
  assert.deepEqual(await groupsOf(api, "1|ana"), ["crew", "domain-a3", "fresh", "rh-org-1"]);
  assert.equal(
    (await ask(api, { name: "a4", group_name: "crew" }, {})).status,
    201,
    "administrator",
  );
  assert.deepEqual(await groupsOf(api, "admin"), [], "is not added to a group that he names");
  assert.ok(await mayWrite(api, "a4", ANA), "a link of an administrator counts");
  const foreign = await ask(api, { name: "a5", group_name: "crew" }, EVE);
  assert.deepEqual(
    [foreign.status, foreign.body],
    [403, { error: "You are not a member of group 'crew'." }],
  );
  const open = await world(t, { CREATE_DOMAIN_ALLOW_FOREIGN_GROUP: true });
  await makeGroup(open, "crew", []);
  assert.equal((await ask(open, { name: "a5", group_name: "crew" }, EVE)).status, 201);
  assert.deepEqual(await groupsOf(open, "2|eve"), ["rh-org-2"], "he is not added");
});

test("24 create-domain: a group that cannot be had is told, and nothing is made", async (t) => {
  const api = await world(t);
  await api.get(below("default", "login/"), ANA);
  await sql`alter table app_group add check (name <> 'cursed')`.execute(api.ctx.db);
  const { status, body } = await ask(api, { name: "a1", group_name: "cursed" }, ANA);
  assert.equal(status, 400);
  assert.match(body.error, /^Failed to resolve group for domain: ./);
  assert.ok(!(await domains(api)).some(({ name }) => name === "a1"));
});

test("24 create-domain: the group of the request, or its own, is what the creation links", async (t) => {
  const api = await world(t);
  for (const [json, group] of [
    [{ name: "given", group_name: "crew" }, "crew"],
    [{ name: "auto" }, "domain-auto"],
  ] as const) {
    assert.equal((await ask(api, json, ANA)).status, 201);
    const { results } = (await api.get(below("default", "domain_orgs/"))).body;
    const link = results.find((one: { domains: readonly string[] }) =>
      one.domains.includes(json.name),
    );
    assert.deepEqual([link.org_id, link.user, link.group], ["1", null, group]);
  }
});

test("6.1: the name of somebody else's domain gives nothing, and changes nothing", async (t) => {
  const api = await world(t);
  assert.equal((await ask(api, { name: "team-a" }, ANA)).status, 201);
  const before = [await domains(api), await groups(api)];
  for (const json of [{ name: "team-a" }, { name: "team-a", group_name: "new-one" }]) {
    const answer = await ask(api, json, EVE);
    assert.deepEqual([answer.status, answer.body], [400, { name: ["This field must be unique."] }]);
  }
  assert.deepEqual(await groupsOf(api, "2|eve"), ["rh-org-2"], "not in the group of the domain");
  assert.ok(!(await mayWrite(api, "team-a", EVE)));
  const after = [await domains(api), (await groups(api)).filter(({ name }) => name !== "rh-org-2")];
  assert.deepEqual(after, before);
});

test("6.1: nobody waits in the group of a domain that is still to come", async (t) => {
  const api = await world(t);
  assert.equal((await ask(api, { name: "mine", group_name: "domain-victim" }, EVE)).status, 201);
  const squatted = await ask(api, { name: "victim" }, ANA);
  assert.equal(squatted.status, 403);
  assert.ok(!(await domains(api)).some(({ name }) => name === "victim"), "rolled back");
  assert.equal((await ask(api, { name: "victim", group_name: "ours" }, ANA)).status, 201);
  assert.ok(!(await mayWrite(api, "victim", EVE)));
});

test("6.1: groups that mean something are not made by whoever comes first", async (t) => {
  const api = await world(t);
  for (const group_name of ["rh-org-1", "admin-readonly", "Lightwell-ReadOnly"]) {
    const answer = await ask(api, { name: "x", group_name }, EVE);
    assert.equal(answer.status, 403, group_name);
  }
  assert.deepEqual(await groupsOf(api, "2|eve"), ["rh-org-2"]);
});

test("6.1: bad requests get their texts", async (t) => {
  const api = await world(t);
  const noName = [400, { error: "Domain name is required." }];
  const cases: readonly (readonly [object, readonly unknown[]])[] = [
    [{}, noName],
    [{ group_name: "x" }, noName],
    [{ name: "api" }, [400, { name: ["Name can not be 'api' or 'content'."] }]],
    [
      { name: "template-mine" },
      [400, { name: ["Names that begin with 'template-' are for administrators."] }],
    ],
  ];
  for (const [json, expected] of cases) {
    const { status, body } = await ask(api, json, ANA);
    assert.deepEqual([status, body], expected, JSON.stringify(json));
  }
  for (const name of ["", "with space", "x".repeat(51), 7, null, ["a"], "ü", "../x"]) {
    const { status, body } = await ask(api, { name }, ANA);
    assert.deepEqual([status, Object.keys(body)], [400, ["name"]], JSON.stringify(name));
  }
  const plain = await api.request("POST", below("default", "domains/"), {
    ...ANA,
    json: {
      ...{ name: "template-x", storage_settings: { MEDIA_ROOT: "" } },
      storage_class: "pulpcore.app.models.storage.FileSystem",
    },
  });
  assert.equal(plain.status, 400, "nor by the ordinary way");
  assert.equal((await ask(api, { name: "x" }, STRANGER)).status, 401);
  assert.equal((await api.get(PATH, ANA)).status, 405);
  assert.deepEqual((await domains(api)).map(({ name }) => name).sort(), [
    "default",
    "template-domain-s3",
  ]);
});

test("6.1: without a template there is nothing to copy", async (t) => {
  const api = await world(t, {}, false);
  const { status, body } = await ask(api, { name: "team-a" }, ANA);
  assert.equal(status, 500);
  assert.match(body.error, /^Model domain 'template-domain-s3' not found\. Please create it first/);
  assert.deepEqual(
    (await groups(api)).map(({ name }) => name),
    ["rh-org-1"],
  );
});

test("6.1: of several at once one gets the name", async (t) => {
  const api = await world(t);
  const makers = [ANA, EVE, SAML, as(certificate("/CN=c"))];
  const answers = await Promise.all(makers.map((who) => ask(api, { name: "race" }, who)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 400, 400, 400]);
  const members = await api.ctx.db
    .selectFrom("group_member")
    .innerJoin("app_group", "app_group.id", "group_member.app_group")
    .select("app_user")
    .where("name", "=", "domain-race")
    .execute();
  assert.equal(members.length, 1);
});

test("6.2: a domain moves to the template's store by its own tenants", async (t) => {
  const api = await world(t);
  const path = below("default", "domains/");
  const json = {
    ...{ name: "team-a", storage_settings: { MEDIA_ROOT: "" } },
    storage_class: "pulpcore.app.models.storage.FileSystem",
  };
  assert.equal((await api.request("POST", path, { ...ANA, json })).status, 201);
  const answers = [
    [{}, ANA, 400, { error: "Domain name is required." }],
    [{ name: "none" }, ANA, 404, { error: "Domain 'none' not found." }],
    [{ name: "team-a" }, EVE, 404, { error: "Domain 'team-a' not found." }],
    [{ name: "default" }, EVE, 404, { error: "Domain 'default' not found." }],
    [{ name: "default" }, {}, 400, { error: "Default domain cannot be migrated." }],
  ] as const;
  for (const [body, who, status, expected] of answers) {
    const answer = await ask(api, body, who, MIGRATE);
    assert.deepEqual([answer.status, answer.body], [status, expected]);
  }
  assert.equal((await ask(api, { name: "team-a" }, STRANGER, MIGRATE)).status, 401);
  const moved = await ask(api, { name: "team-a" }, ANA, MIGRATE);
  assert.equal(moved.status, 202, moved.text);
  assert.match(moved.body.task, /^\/pulp\/team-a\/api\/v3\/tasks\//, "in the domain that moves");
  assert.equal((await api.get(moved.body.task, ANA)).status, 200);
  assert.equal((await endedTask(api, moved)).state, "completed");
  const [domain] = (await api.get(`${path}?name=team-a`)).body.results;
  assert.equal(domain.storage_settings.bucket_name, "all");
});
