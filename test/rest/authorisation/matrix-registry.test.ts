import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { announceUserChange } from "#core/access/user-changes.ts";
import {
  type AccessWorld,
  basic,
  createAccessWorld,
  PASSWORD,
} from "../../plugins/container/access-world.ts";
import { ADMIN_PASSWORD } from "../../support/rest-api.ts";

/** Names in domain `a`, if they do not say `b`; what is absent is so in this matrix to its end. */
const PLACES = [
  ...["a/team/public", "a/team/private", "a/team/absent", "a/other/private", "a/free/absent"],
  ...["b/team/public", "b/team/private", "b/team/absent", "none/team/absent"],
] as const;

type Place = (typeof PLACES)[number];
type Rights = "pull" | "push" | "both" | "none";

/** Roles with what they are given on: an object's name, a domain, or everything. */
interface Role {
  readonly role: string;
  readonly on?: "a/team" | "a/team/private";
  readonly domain?: "a" | "b";
}

interface Person {
  readonly roles?: readonly Role[];
  readonly isInGroup?: true;
  /** What the table says beside public repositories, which everybody may pull (plugin-container §9.3). */
  readonly may: Partial<Record<Place, Rights>>;
}

const all = (rights: Rights, ...places: readonly Place[]): Person["may"] =>
  Object.fromEntries(places.map((place) => [place, rights]));

const IN_TEAM = ["a/team/public", "a/team/private"] as const;
const IN_A = [...IN_TEAM, "a/team/absent", "a/other/private", "a/free/absent"] as const;
const IN_B = ["b/team/public", "b/team/private", "b/team/absent"] as const;

/** By roles that ship (plugin-container §9.2). */
const PEOPLE: Readonly<Record<string, Person>> = {
  nobody: { may: {} },
  "distribution-consumer": {
    roles: [{ role: "containerdistribution_consumer", on: "a/team/private" }],
    may: all("pull", "a/team/private"),
  },
  "distribution-collaborator": {
    roles: [{ role: "containerdistribution_collaborator", on: "a/team/private" }],
    may: all("both", "a/team/private"),
  },
  "distribution-owner": {
    roles: [{ role: "containerdistribution_owner", on: "a/team/private" }],
    may: all("both", "a/team/private"),
  },
  "namespace-consumer": {
    roles: [{ role: "containernamespace_consumer", on: "a/team" }],
    may: { ...all("pull", ...IN_TEAM), ...all("pull", "a/team/absent") },
  },
  "namespace-collaborator": {
    roles: [{ role: "containernamespace_collaborator", on: "a/team" }],
    may: all("both", ...IN_TEAM, "a/team/absent"),
  },
  "namespace-owner": {
    roles: [{ role: "containernamespace_owner", on: "a/team" }],
    may: all("both", ...IN_TEAM, "a/team/absent"),
  },
  "group-member": { isInGroup: true, may: all("both", ...IN_TEAM, "a/team/absent") },
  "consumer-of-a": {
    roles: [{ role: "containerdistribution_consumer", domain: "a" }],
    may: all("pull", "a/team/private", "a/other/private"),
  },
  "collaborator-of-a": {
    roles: [{ role: "containernamespace_collaborator", domain: "a" }],
    may: all("both", ...IN_TEAM, "a/team/absent", "a/other/private"),
  },
  "admin-of-a": {
    roles: [
      "containernamespace_creator",
      "containernamespace_owner",
      "containerdistribution_owner",
    ].map((role) => ({ role, domain: "a" as const })),
    may: all("both", ...IN_A),
  },
  "admin-of-b": {
    roles: [
      "containernamespace_creator",
      "containernamespace_owner",
      "containerdistribution_owner",
    ].map((role) => ({ role, domain: "b" as const })),
    may: all("both", ...IN_B),
  },
  "consumer-everywhere": {
    roles: [{ role: "containerdistribution_consumer" }],
    may: all("pull", "a/team/private", "a/other/private", "b/team/private"),
  },
  "creator-everywhere": {
    roles: [{ role: "containernamespace_creator" }],
    may: all("both", "a/free/absent"),
  },
  "repository-viewer": { roles: [{ role: "containerrepository_owner", domain: "a" }], may: {} },
};

const isPublic = (place: Place): boolean => place.endsWith("/public");

function mayOf(who: string, place: Place): Rights {
  if (who === "admin") return place.startsWith("none/") ? "none" : "both";
  const own = PEOPLE[who]?.may[place] ?? "none";
  return own === "none" && isPublic(place) ? "pull" : own;
}

const DIGEST = `sha256:${"e".repeat(64)}`;
const UPLOAD = "01890000-0000-7000-8000-000000000000";

/** Requests that nothing comes of, so that the next ones find the same. */
const OPERATIONS: readonly (readonly ["pull" | "push", string, (place: string) => string])[] = [
  ["pull", "GET", (name) => `/v2/${name}/manifests/1`],
  ["pull", "HEAD", (name) => `/v2/${name}/manifests/${DIGEST}`],
  ["pull", "GET", (name) => `/v2/${name}/blobs/${DIGEST}`],
  ["pull", "GET", (name) => `/v2/${name}/tags/list`],
  ["pull", "GET", (name) => `/v2/${name}/referrers/${DIGEST}`],
  ["pull", "GET", (name) => `/extensions/v2/${name}/signatures/${DIGEST}`],
  ["push", "PUT", (name) => `/v2/${name}/manifests/1`],
  ["push", "DELETE", (name) => `/v2/${name}/manifests/${DIGEST}`],
  ["push", "DELETE", (name) => `/v2/${name}/blobs/${DIGEST}`],
  ["push", "PATCH", (name) => `/v2/${name}/blobs/uploads/${UPLOAD}`],
  ["push", "PUT", (name) => `/v2/${name}/blobs/uploads/${UPLOAD}?digest=${DIGEST}`],
  ["push", "DELETE", (name) => `/v2/${name}/blobs/uploads/${UPLOAD}`],
  ["push", "PUT", (name) => `/extensions/v2/${name}/signatures/${DIGEST}`],
];

async function createMatrixWorld(t: TestContext, settings: object): Promise<AccessWorld> {
  const world = await createAccessWorld(t, {
    settings: { DOMAIN_ENABLED: true, ...settings } as object,
  });
  const { db } = world.ctx;
  for (const name of ["a", "b"]) {
    await sql`insert into domain (id, name, storage_class) values
      (${uuid7()}, ${name}, 'pulpcore.app.models.storage.FileSystem')`.execute(db);
  }
  for (const place of [
    "a/team/public",
    "a/team/private",
    "a/other/private",
    "b/team/public",
    "b/team/private",
  ]) {
    await world.pushImage(place, "1");
  }
  await sql`
    with changed as (
      update container_distribution c set private = true from distribution d
      where d.id = c.id and d.base_path like '%/private' returning c.domain, c.id)
    insert into distribution_event (domain, distribution)
    select domain, id from changed`.execute(db);
  for (const [name, person] of Object.entries(PEOPLE)) {
    const id = await world.addUser(name);
    for (const role of person.roles ?? []) await giveRole(world, id, role);
    if (person.isInGroup) {
      const group = await sql<{ id: number }>`
        insert into app_group (name) values ('crew') returning id`.execute(db);
      const crew = group.rows[0]?.id ?? 0;
      await sql`insert into group_member (app_group, app_user) values (${crew}, ${id})`.execute(db);
      await giveRole(world, -crew, { role: "containernamespace_owner", on: "a/team" });
    }
  }
  announceUserChange(world.ctx);
  // The process looks once in a second for distributions that have changed.
  await sleep(1500);
  return world;
}

async function giveRole({ ctx }: AccessWorld, subject: number, { role, on, domain }: Role) {
  const model =
    on === "a/team" ? "container.containernamespace" : "container.containerdistribution";
  const { numAffectedRows } = await sql`
    insert into role_assignment (id, subject, role, kind, domain, object)
    select ${uuid7()}, ${subject}, r.num, k.num, m.num, o.id
    from role r
    left join domain m on m.name = ${on ? "a" : (domain ?? null)}
    left join lateral (
      select id from container_namespace n where ${on ?? ""} = 'a/team' and n.domain = m.num and n.name = 'team'
      union all
      select id from distribution d where ${on ?? ""} = 'a/team/private' and d.domain = m.num
        and d.base_path = 'team/private') o on true
    left join object_kind k on o.id is not null and k.name = ${model}
    where r.name = ${`container.${role}`}`.execute(ctx.db);
  assert.equal(numAffectedRows, 1n, role);
}

const loginOf = (who: string): string => `${who}:${who === "admin" ? ADMIN_PASSWORD : PASSWORD}`;

/** Asks every operation at every place; `authorise` gives the header of a name. */
async function checkAll(
  world: AccessWorld,
  who: string,
  authorise: (place: Place) => Promise<string | undefined>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const place of PLACES) {
    const authorization = await authorise(place);
    for (const [right, method, path] of OPERATIONS) {
      const { status } = await world.as(authorization, method, path(place));
      const may = mayOf(who, place);
      const isLetIn = status !== 401 && status !== 403;
      // Administrators learn that a domain is not there.
      const expected =
        place.startsWith("none/") && who === "admin" ? isLetIn : may === "both" || may === right;
      if (isLetIn !== expected || status >= 500) wrong.push(`${method} ${path(place)}: ${status}`);
    }
  }
  return wrong;
}

const identities = [...Object.keys(PEOPLE), "admin"];

test("with tokens of the registry, operations are for whom the table names", async (t) => {
  const world = await createMatrixWorld(t, {});
  let cells = 0;
  const wrong: Record<string, readonly string[]> = {};
  for (const who of [...identities, "anonymous"]) {
    const found = await checkAll(world, who, async (place) => {
      const login = who === "anonymous" ? undefined : loginOf(who);
      const { status, body } = await world.token([`repository:${place}:pull,push`], login);
      assert.equal(status, 200);
      return `Bearer ${body.token}`;
    });
    cells += PLACES.length * OPERATIONS.length;
    if (found.length > 0) wrong[who] = found;
  }
  t.diagnostic(`${cells} cells`);
  assert.ok(cells >= 1900);
  assert.deepEqual(wrong, {});
});

test("with passwords the same is let through, with and without a token server", async (t) => {
  for (const TOKEN_AUTH_DISABLED of [false, true]) {
    const world = await createMatrixWorld(t, { TOKEN_AUTH_DISABLED });
    const wrong: Record<string, readonly string[]> = {};
    for (const who of identities) {
      const found = await checkAll(world, who, async () => basic(loginOf(who)));
      if (found.length > 0) wrong[who] = found;
    }
    if (TOKEN_AUTH_DISABLED) {
      const found = await checkAll(world, "anonymous", async () => undefined);
      if (found.length > 0) wrong.anonymous = found;
    }
    assert.deepEqual(wrong, {});
  }
});

test("refusals tell nothing: a private name, an absent one and one of no domain answer alike", async (t) => {
  const world = await createMatrixWorld(t, {});
  const told = async (authorization: string | undefined, place: string) => {
    const [, method = "", path] = OPERATIONS[0] ?? [];
    const answer = await world.as(authorization, method, path?.(place) ?? "");
    const text = `${answer.status} ${answer.headers.get("www-authenticate")} ${await answer.text()}`;
    return text.replaceAll(place, "NAME");
  };
  for (const who of ["nobody", "admin-of-b", "distribution-consumer", undefined]) {
    const places = ["a/other/private", "a/other/absent", "a/free/absent", "none/team/absent"];
    const scopes = places.map((place) => `repository:${place}:pull`);
    const { body } = await world.token(scopes, who && loginOf(who));
    for (const header of [`Bearer ${body.token}`, who && basic(loginOf(who))]) {
      const answers = new Set(await Promise.all(places.map((place) => told(header, place))));
      assert.equal(answers.size, 1, [...answers].join("\n"));
    }
  }
});

test("the catalog lists what may be pulled, over all domains", async (t) => {
  const world = await createMatrixWorld(t, {});
  const there = PLACES.filter((place) => isPublic(place) || place.endsWith("/private"));
  for (const who of identities) {
    const { body } = await world.token(["registry:catalog:*"], loginOf(who));
    const answer = await world.as(`Bearer ${body.token}`, "GET", "/v2/_catalog");
    const expected = there.filter((place) => ["pull", "both"].includes(mayOf(who, place)));
    assert.deepEqual(Object(await answer.json()).repositories, [...expected].sort(), who);
  }
  const { body } = await world.token(["registry:catalog:*"]);
  assert.equal((await world.as(`Bearer ${body.token}`, "GET", "/v2/_catalog")).status, 401);
});
