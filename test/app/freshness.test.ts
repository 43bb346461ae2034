import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { generateFernetKey } from "#platform/crypto/fernet.ts";
import { type Api, createApi } from "../support/api.ts";
import { createDatabase } from "../support/database.ts";
import { freePort } from "../support/server.ts";
import { runProgram, startProgram, temporaryFolder } from "./program.ts";

/** What is taken must be gone everywhere after this time. */
const LIMIT_MS = 5000;
const ROOT = "/pulp/default/api/v3/";
const PASSWORD = "long enough for anybody";

/** Two API processes and a content process over one database. */
interface Site {
  /** The administrator, through process A, where everything is changed. */
  readonly admin: Api;
  readonly apis: readonly [a: string, b: string];
  readonly content: string;
  readonly database: pg.Client;
  readonly repository: string;
  readonly guard: string;
  readonly distribution: string;
  readonly eve: string;
}

async function createSite(t: TestContext): Promise<Site> {
  const folder = await temporaryFolder(t);
  const { url } = await createDatabase(t);
  const keyFile = join(folder, "key");
  writeFileSync(keyFile, generateFernetKey());
  const environment = {
    DATABASE_URL: url,
    PULP_DEPLOY_ROOT: folder,
    PULP_DB_ENCRYPTION_KEY: keyFile,
    PULP_DOMAIN_ENABLED: "true",
  };
  const manage = async (...words: readonly string[]) => {
    const { code, err } = await runProgram(t, ["manager", ...words], { environment });
    assert.equal(code, 0, err);
  };
  await manage("migrate", "--noinput");
  await manage("reset-admin-password", "--password", PASSWORD);
  const start = async (name: string) => {
    const address = `127.0.0.1:${await freePort()}`;
    startProgram(t, [name, "-b", address], environment);
    return `http://${address}`;
  };
  const [a, b, content] = [await start("api"), await start("api"), await start("content")];
  for (const at of [`${a}${ROOT}status/`, `${b}${ROOT}status/`, `${content}/pulp/content/`]) {
    await untilAnswers(at);
  }
  const database = new pg.Client({ connectionString: url });
  // It is dropped below the connection at the end.
  database.on("error", () => undefined);
  await database.connect();
  t.after(() => database.end());
  const admin = createApi({ apiUrl: a, username: "admin", password: PASSWORD }, ROOT);
  return { admin, apis: [a, b], content, database, ...(await arrange(admin)) };
}

async function untilAnswers(url: string): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!(await fetch(url).catch(() => undefined))) {
    assert.ok(Date.now() < limit, `${url} does not answer`);
    await sleep(50);
  }
}

/** A user who may do nothing yet, and something to have rights on. */
async function arrange(admin: Api) {
  const { pulp_href: eve } = await admin.post("users/", { username: "eve", password: PASSWORD });
  await admin.post("groups/", { name: "crew" });
  const permissions = ["file.view_filerepository", "core.download_rbaccontentguard"];
  await admin.post("roles/", { name: "reader", permissions });
  const { pulp_href: repository } = await admin.post("repositories/file/file/", { name: "r" });
  const { pulp_href: guard } = await admin.post("contentguards/core/rbac/", { name: "g" });
  const json = { name: "d", base_path: "d", content_guard: guard };
  const done = await admin.done(await admin.post("distributions/file/file/", json));
  return { eve, repository, guard, distribution: done.created_resources[0] as string };
}

const basic = (user: string) => `Basic ${Buffer.from(user).toString("base64")}`;
const EVE = basic(`eve:${PASSWORD}`);

/** Statuses at the two API processes, of the repository, and at the content app, below the guard. */
async function statuses(site: Site, authorization: string | null): Promise<readonly number[]> {
  const { apis, repository, content } = site;
  const headers: Record<string, string> = authorization === null ? {} : { authorization };
  const urls = [...apis.map((api) => api + repository), `${content}/pulp/content/default/d/none`];
  const answers = await Promise.all(urls.map((url) => fetch(url, { headers })));
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  return answers.map(({ status }) => status);
}

/** Nothing is published: whom the guard permits learns that there is no such file. */
const PERMITTED = [200, 200, 404] as const;

interface Case {
  readonly name: string;
  /** @returns what takes it again, and the `Authorization` that works until then. */
  give(site: Site): Promise<Given>;
  /** Statuses afterwards. */
  readonly refused: readonly number[];
}

interface Given {
  readonly authorization?: string | null;
  take(): Promise<unknown>;
  /** Leaves the site as it was. */
  restore?(): Promise<unknown>;
}

/** Gives a role with some reach to a user or a group. */
async function giveRole({ admin }: Site, holder: string, reach: object) {
  const { pulp_href } = await admin.post(`${holder}roles/`, { role: "reader", ...reach });
  return () => expectOk(admin, "DELETE", pulp_href);
}

async function expectOk(admin: Api, method: string, path: string, json?: object) {
  const init = json && {
    body: JSON.stringify(json),
    headers: { "content-type": "application/json" },
  };
  const answer = await admin.request(method, path, init);
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`);
}

const GONE = [404, 404, 403];
const UNKNOWN = [401, 401, 403];

const CASES: readonly Case[] = [
  {
    name: "a role that holds everywhere",
    give: async (site) => ({ take: await giveRole(site, site.eve, { content_object: null }) }),
    refused: GONE,
  },
  {
    name: "a role in a domain",
    async give(site) {
      const [domain] = (await site.admin.get("domains/")).results;
      const reach = { content_object: null, domain: domain.pulp_href };
      return { take: await giveRole(site, site.eve, reach) };
    },
    refused: GONE,
  },
  {
    name: "roles on objects",
    async give(site) {
      const { repository, guard, eve } = site;
      const takes = [
        await giveRole(site, eve, { content_object: repository }),
        await giveRole(site, eve, { content_object: guard }),
      ];
      return { take: () => Promise.all(takes.map((take) => take())) };
    },
    refused: GONE,
  },
  {
    name: "a membership",
    async give(site) {
      const { admin } = site;
      const restore = await giveRole(site, "groups/1/", { content_object: null });
      await admin.post("groups/1/users/", { username: "eve" });
      const member = `groups/1/users/${site.eve.split("/").at(-2)}/`;
      return { take: () => expectOk(admin, "DELETE", member), restore };
    },
    refused: GONE,
  },
  {
    name: "being active",
    async give(site) {
      const restoreRole = await giveRole(site, site.eve, { content_object: null });
      const setActive = (isActive: boolean) =>
        expectOk(site.admin, "PATCH", site.eve, { is_active: isActive });
      const restore = async () => {
        await setActive(true);
        await restoreRole();
      };
      return { take: () => setActive(false), restore };
    },
    refused: UNKNOWN,
  },
  {
    name: "a password",
    async give(site) {
      const restoreRole = await giveRole(site, site.eve, { content_object: null });
      const setPassword = (password: string) =>
        expectOk(site.admin, "PATCH", site.eve, { password });
      const restore = async () => {
        await setPassword(PASSWORD);
        await restoreRole();
      };
      return { take: () => setPassword("another one, also long"), restore };
    },
    refused: UNKNOWN,
  },
  {
    name: "a token",
    async give(site) {
      const restore = await giveRole(site, site.eve, { content_object: null });
      const own = createApi({ apiUrl: site.apis[1], username: "eve", password: PASSWORD }, ROOT);
      const { token, pulp_href } = await own.post("tokens/", { name: "t", scopes: ["read"] });
      const take = () => expectOk(site.admin, "DELETE", pulp_href);
      return { take, restore, authorization: `Bearer ${token}` };
    },
    refused: UNKNOWN,
  },
  {
    name: "what a policy allows",
    async give(site) {
      const { admin } = site;
      const restoreRole = await giveRole(site, site.eve, { content_object: null });
      const query = "access_policies/?viewset_name=repositories/file/file";
      const [{ pulp_href }] = (await admin.get(query)).results;
      const statements = [{ action: "*", principal: "admin", effect: "allow" }];
      const restore = async () => {
        await expectOk(admin, "POST", `${pulp_href}reset/`, {});
        await restoreRole();
      };
      return { take: () => expectOk(admin, "PATCH", pulp_href, { statements }), restore };
    },
    refused: [403, 403, 404],
  },
  {
    name: "the absence of a guard",
    async give({ admin, distribution, guard }) {
      const setGuard = async (content_guard: string | null) => {
        await admin.done(await admin.patch(distribution, { content_guard }));
      };
      await setGuard(null);
      return { take: () => setGuard(guard), authorization: null };
    },
    refused: UNKNOWN,
  },
];

/** Asks until all answers are as wanted; none that is asked for later than the limit may differ. */
async function within(ask: () => Promise<readonly number[]>, wanted: readonly number[]) {
  const changed = performance.now();
  for (;;) {
    const askedMs = performance.now() - changed;
    const found = await ask();
    if (String(found) === String(wanted)) return;
    assert.ok(askedMs < LIMIT_MS, `${found} instead of ${wanted} after ${askedMs} ms`);
    await sleep(20);
  }
}

/** Ends every listening connection again and again, so that nothing is heard. */
async function cutNotifications(database: pg.Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and query like 'listen %'`,
    );
    await sleep(2);
  }
}

test("what is taken is gone in every process within five seconds", async (t) => {
  const site = await createSite(t);
  for (const { name, give, refused } of CASES) {
    for (const isCut of [false, true]) {
      await t.test(`${name}${isCut ? ", although no process hears of it" : ""}`, async () => {
        const { authorization = EVE, take, restore } = await give(site);
        const ask = () => statuses(site, authorization);
        await within(ask, authorization === null ? [401, 401, 404] : PERMITTED);
        const cutting = new AbortController();
        const cut = isCut ? cutNotifications(site.database, cutting.signal) : undefined;
        await take();
        try {
          await within(ask, refused);
        } finally {
          cutting.abort();
          await cut;
          await restore?.();
        }
      });
    }
  }
});
