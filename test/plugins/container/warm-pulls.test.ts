import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { revokeToken } from "#core/access/commands.ts";
import { announceUserChange } from "#core/access/user-changes.ts";
import { deleteDistribution } from "#core/distributions/commands.ts";
import { eventually } from "../../support/eventually.ts";
import { type AccessWorld, createAccessWorld, PASSWORD } from "./access-world.ts";
import { codesOf, OCI_INDEX, sha256 } from "./registry-world.ts";

const NAME = "team/app";
const LAYER = "layer ".repeat(100_000);

interface Site extends AccessWorld {
  readonly digest: string;
  readonly layer: string;
  /** Everything that is pulled, by path. */
  readonly paths: readonly string[];
  /** Statuses of GET and HEAD of the paths, with this `Authorization`. */
  statuses(bearer: string, paths?: readonly string[]): Promise<readonly number[]>;
  bearer(login?: string): Promise<string>;
}

/** A repository of one image, of which everything was pulled often enough to be at hand. */
async function createSite(t: TestContext, { isPrivate = false } = {}): Promise<Site> {
  const world = await createAccessWorld(t);
  const digest = await world.pushImage(NAME, "1", LAYER);
  if (isPrivate) await world.setPrivate(NAME, true);
  const layer = sha256(LAYER);
  const under = `/v2/${NAME}`;
  const paths = [
    ...[`${under}/manifests/1`, `${under}/manifests/${digest}`],
    ...[`${under}/blobs/${layer}`, `${under}/tags/list`, `${under}/tags/list?n=1000`],
  ];
  const statuses: Site["statuses"] = async (bearer, some = paths) => {
    const all: number[] = [];
    for (const path of some) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await world.as(bearer, method, path);
        await answer.arrayBuffer();
        all.push(answer.status);
      }
    }
    return all;
  };
  const bearer: Site["bearer"] = async (login) =>
    `Bearer ${(await world.token([`repository:${NAME}:pull`], login)).body.token as string}`;
  return { ...world, digest, layer, paths, statuses, bearer };
}

const each = (status: number, { paths }: Site) => paths.flatMap(() => [status, status]);

async function warm(site: Site, bearer: string): Promise<void> {
  for (let times = 0; times < 3; times += 1) {
    assert.deepEqual(await site.statuses(bearer), each(200, site));
  }
}

/** Someone who pulls the private repository by a right of their own. */
async function createAnn(site: Site): Promise<number> {
  const id = await site.addUser("ann");
  const { distribution } = await site.idsOf(NAME);
  const permissions = ["pull_containerdistribution"];
  await site.give({ user: "ann", permissions, object: distribution });
  return id;
}

/** What another process has done is heard of at once, or with the poll, each second. */

/** The poll of changes, which does not depend on requests. */
const OF_POLL = /distribution_event/;

test("a warm pull asks the database nothing, public or private", async (t) => {
  for (const isPrivate of [false, true]) {
    const site = await createSite(t, { isPrivate });
    await createAnn(site);
    const bearer = await site.bearer(`ann:${PASSWORD}`);
    await warm(site, bearer);

    const statements = await site.statementsOf(async () => {
      assert.deepEqual(await site.statuses(bearer), each(200, site));
    });

    assert.deepEqual(
      statements.filter((text) => !OF_POLL.test(text)),
      [],
    );
  }
});

test("a warm answer is the whole one: bytes, types, conditions, ranges", async (t) => {
  const site = await createSite(t);
  const bearer = await site.bearer();
  const [tag = "", digest = "", blob = "", tags = ""] = site.paths;
  const cold = await site.as(bearer, "GET", tag);
  const text = await cold.text();
  await warm(site, bearer);
  const get = (path: string, headers = {}, method = "GET") =>
    site.as(bearer, method, path, { headers });

  const again = await get(tag);
  const [{ date: _, ...before }, { date: __, ...after }] = [cold, again].map(({ headers }) => {
    const { "correlation-id": id, ...others } = Object.fromEntries(headers);
    assert.match(id ?? "", /^[0-9a-f]{32}$/);
    return others as Record<string, string>;
  }) as [Record<string, string>, Record<string, string>];
  assert.deepEqual(after, before);
  assert.equal(await again.text(), text);
  const head = await get(tag, {}, "HEAD");
  assert.deepEqual([await head.text(), head.headers.get("content-length")], ["", `${text.length}`]);
  assert.equal((await get(digest, { "if-none-match": `"${site.digest}"` })).status, 304);
  const refused = await get(tag, { accept: OCI_INDEX });
  assert.deepEqual([refused.status, await codesOf(refused)], [404, ["MANIFEST_UNKNOWN"]]);
  assert.equal((await get(digest, { accept: OCI_INDEX })).status, 200);
  assert.deepEqual(await (await get(tags)).json(), { name: NAME, tags: ["1"] });
  const part = await get(blob, { range: "bytes=6-11" });
  assert.deepEqual([part.status, await part.text()], [206, "layer "]);
  const beyond = await get(blob, { range: "bytes=9999999-" });
  assert.deepEqual([beyond.status, await codesOf(beyond)], [416, ["UNSUPPORTED"]]);
  assert.equal(await (await get(blob)).text(), LAYER);
});

test("a tag that moves or goes, and what is deleted, is seen at once", async (t) => {
  const site = await createSite(t);
  const bearer = await site.bearer();
  const [tag = "", digest = "", blob = "", tags = ""] = site.paths;
  await warm(site, bearer);

  const next = await site.pushImage(NAME, "1", "another layer");
  const moved = await site.as(bearer, "GET", tag);
  assert.equal(moved.headers.get("docker-content-digest"), next);
  assert.notEqual(next, site.digest);
  await warm(site, bearer);

  await site.pushImage(NAME, "2", "another layer");
  assert.deepEqual(await (await site.as(bearer, "GET", tags)).json(), {
    ...{ name: NAME, tags: ["1", "2"] },
  });
  assert.equal((await site.ask("DELETE", tag)).status, 202);
  assert.deepEqual(await site.statuses(bearer, [tag]), [404, 404]);
  assert.deepEqual(await (await site.as(bearer, "GET", tags)).json(), { name: NAME, tags: ["2"] });
  assert.equal((await site.ask("DELETE", digest)).status, 202);
  assert.deepEqual(await site.statuses(bearer, [digest]), [404, 404]);
  assert.equal((await site.ask("DELETE", blob)).status, 202);
  assert.deepEqual(await site.statuses(bearer, [blob]), [404, 404]);
});

test("a repository that becomes private is closed to strangers, one that goes to all", async (t) => {
  const site = await createSite(t);
  const [stranger, admin] = [await site.bearer(), await site.bearer("admin:admin of the tests")];
  await warm(site, stranger);
  await warm(site, admin);

  await site.setPrivate(NAME, true);
  await eventually(async () => assert.deepEqual(await site.statuses(stranger), each(401, site)));
  await warm(site, admin);

  const { distribution } = await site.idsOf(NAME);
  await deleteDistribution(site.ctx, { domain: site.domain, id: distribution });
  await site.ctx.notifier.flush();
  await eventually(async () => assert.deepEqual(await site.statuses(admin), each(404, site)));
});

test("rights that are taken, users that are switched off and tokens that are revoked end it", async (t) => {
  const site = await createSite(t, { isPrivate: true });
  const { ctx } = site;
  const ann = await createAnn(site);
  const robot = await site.robot(ann, { permissions: ["read"] });
  const [own, robots] = [
    await site.bearer(`ann:${PASSWORD}`),
    await site.bearer(`ann:${robot.token}`),
  ];
  await warm(site, own);
  await warm(site, robots);

  await revokeToken(ctx, robot.id);
  assert.deepEqual(await site.statuses(robots), each(401, site));
  await warm(site, own);
  const switchOn = async (isOn: boolean) => {
    const user = ctx.db.updateTable("app_user").set({ is_active: isOn });
    await user.where("id", "=", ann).execute();
    announceUserChange(ctx);
  };
  await switchOn(false);
  assert.deepEqual(await site.statuses(own), each(401, site));
  await switchOn(true);
  await warm(site, own);
  await site.takeAll();
  assert.deepEqual(await site.statuses(own), each(401, site));
});

test("a token serves until it ends, at the host that it is for, under the names that it has", async (t) => {
  const site = await createSite(t);
  await site.pushImage("team/other", "1");
  const bearer = await site.bearer();
  const [tag = ""] = site.paths;
  const other = "/v2/team/other/manifests/1";
  const both = await site.token([`repository:${NAME}:pull`, "repository:team/other:pull"]);
  await warm(site, `Bearer ${both.body.token as string}`);
  await site.statuses(`Bearer ${both.body.token as string}`, [other, other]);
  await warm(site, bearer);

  assert.deepEqual(await site.statuses(bearer, [other]), [401, 401]);
  assert.deepEqual(await site.statuses(`${bearer}x`, [tag]), [401, 401]);
  assert.equal(await statusAt(site, tag, { authorization: bearer }), 200);
  assert.equal(await statusAt(site, tag, { authorization: bearer, host: "other.example" }), 401);
  assert.equal(await statusAt(site, tag, {}), 401);

  const now = Date.now;
  Object.assign(site.ctx.clock, { now: () => now() + 306_000 });
  assert.deepEqual(await site.statuses(bearer), each(401, site));
});

/** Of a request whose headers are just these. */
const statusAt = (
  { origin }: Site,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    request(`${origin}${path}`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .once("error", reject)
      .end();
  });

test("what another process changes is heard of by one that has it at hand", async (t) => {
  const site = await createSite(t);
  const other = await createAccessWorld(t, { beside: site });
  const [tag = "", , , tags = ""] = site.paths;
  const { body } = await other.token([`repository:${NAME}:pull`]);
  const get = (path: string) => other.as(`Bearer ${body.token as string}`, "GET", path);
  for (let times = 0; times < 3; times += 1) {
    for (const path of site.paths) assert.equal((await get(path)).status, 200);
  }

  const next = await site.pushImage(NAME, "1", "another layer");
  await site.pushImage(NAME, "2", "another layer");

  await eventually(async () =>
    assert.equal((await get(tag)).headers.get("docker-content-digest"), next),
  );
  await eventually(async () =>
    assert.deepEqual(await (await get(tags)).json(), { name: NAME, tags: ["1", "2"] }),
  );
  await site.setPrivate(NAME, true);
  await eventually(async () => assert.equal((await get(tag)).status, 401));
});
