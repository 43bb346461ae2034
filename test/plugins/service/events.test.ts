import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql } from "kysely";
import { uuid7 } from "#base/uuid7.ts";
import { closeListeners, keepReported, report } from "#core/events/commands.ts";
import { inTransaction } from "#core/transaction.ts";
import { createHttp } from "#platform/http/undici.ts";
import { listenToEvents } from "#plugins/service/events/listener.ts";
import {
  Outbox,
  type OutboxOptions,
  type Outgoing,
  writeEvents,
} from "#plugins/service/events/outbox.ts";
import { Webhook } from "#plugins/service/events/webhook.ts";
import type { TestApi } from "../../support/rest-api.ts";
import { endedTask } from "../../support/run-tasks.ts";
import { as, below, createService, makeDomain, user } from "./support.ts";

const FILES = "repositories/file/file/";
const ANA = as(user("ana", "1"));

const lines = ({ logged }: TestApi): readonly string[] =>
  logged.filter((line) => /^INFO (repository|content|auth)\./.test(line));

test("12.4: repositories that come and go are told of", async (t) => {
  const api = await createService(t);
  await makeDomain(api, "team-a", ANA);
  const made = await api.request("POST", below("team-a", FILES), {
    ...ANA,
    json: { name: 'two "words"\n' },
  });
  assert.equal(made.status, 201, made.text);
  assert.deepEqual(lines(api), [
    `INFO repository.created domain=team-a name="two \\"words\\"" type=file.file user=1|ana org_id=1 route=${below("team-a", FILES)}`,
  ]);
  const again = await api.request("POST", below("team-a", FILES), {
    ...ANA,
    json: { name: 'two "words"' },
  });
  assert.equal(again.status, 400);
  assert.equal(lines(api).length, 1, "what did not happen is not told");
  const gone = await api.request("DELETE", made.body.pulp_href, ANA);
  assert.equal(lines(api).length, 1, "it has not happened yet");
  await endedTask(api, gone);
  assert.equal(
    lines(api).at(-1),
    `INFO repository.deleted domain=team-a name="two \\"words\\"" type=file.file user=1|ana org_id=1 route=${made.body.pulp_href}`,
    "tasks know where they come from",
  );
});

test("12.4: what is published is told of", async (t) => {
  const api = await createService(t);
  const at = (path: string) => below("default", path);
  const { body: repository } = await api.request("POST", at(FILES), { json: { name: "r" } });
  const task = await api.request("POST", at("publications/file/file/"), {
    json: { repository: repository.pulp_href },
  });
  const [publication = ""] = (await endedTask(api, task)).created_resources;
  const id = publication.split("/").at(-2);
  const completed = `INFO content.published domain=default publication=${id} action=completed type=file.file user=admin org_id=- route=${at("publications/file/file/")}`;
  assert.ok(lines(api).includes(completed), lines(api).join("\n"));
  const path = at("distributions/file/file/");
  const json = { name: "d", base_path: "d", publication };
  const [distribution = ""] = (await endedTask(api, await api.request("POST", path, { json })))
    .created_resources;
  await endedTask(api, await api.request("PATCH", distribution, { json: { publication: null } }));
  await endedTask(api, await api.request("DELETE", distribution));
  const changes = lines(api).flatMap(
    (line) => / distribution=\S+ action=(\w+) /.exec(line)?.[1] ?? [],
  );
  assert.deepEqual(changes, ["created", "changed", "deleted"]);
});

test("12.4: sessions and refusals are told of", async (t) => {
  const api = await createService(t);
  const login = below("default", "login/");
  assert.equal((await api.request("POST", login)).status, 201);
  assert.equal((await api.get(login, { user: "eve\n:wrong" })).status, 401);
  const header = { user: null, headers: { "x-rh-identity": "abc" } };
  assert.equal((await api.get(login, header)).status, 401);
  assert.deepEqual(lines(api), [
    `INFO auth.login user=admin class=basic route=${login}`,
    `INFO auth.failed user="eve\\n" class=basic route=${login}`,
    `INFO auth.failed user=- class=certificate route=${login}`,
  ]);
});

test("12.4: what is undone is not told, and a listener that fails harms nobody", async (t) => {
  const api = await createService(t);
  const event = { kind: "repository", action: "created", type: "x.x", name: "n" } as const;
  const told = { ...event, domain: api.domain };
  await assert.rejects(
    inTransaction(api.ctx, undefined, async (trx) => {
      report(api.ctx, told, trx);
      throw new Error("undone");
    }),
    /undone/,
  );
  assert.deepEqual(lines(api), []);
  await inTransaction(api.ctx, undefined, (outer) =>
    inTransaction(api.ctx, outer, async (trx) => {
      report(api.ctx, told, trx);
      assert.deepEqual(lines(api), [], "not before the commit");
    }),
  );
  assert.equal(lines(api).length, 1);

  await closeListeners(api.ctx);
  const broken = { hear: () => assert.fail("a listener fails") };
  const plugins = {
    ...api.ctx.plugins,
    all: [{ ...api.ctx.plugins.all[0], listen: () => broken }],
  };
  const ctx = { ...api.ctx, plugins: plugins as unknown as typeof api.ctx.plugins };
  const result = await inTransaction(ctx, undefined, async (trx) => {
    report(ctx, told, trx);
    return 7;
  });
  assert.equal(result, 7);
  assert.match(api.logged.join("\n"), /a listener fails/);
});

test("20: events are counted", async (t) => {
  const { ctx, domain } = await createService(t);
  const counted: string[] = [];
  const metrics = {
    ...ctx.metrics,
    count: (name: string, labels = {}) => void counted.push(`${name} ${JSON.stringify(labels)}`),
  };
  const { hear } = listenToEvents({ ...ctx, metrics });
  hear({ kind: "repository", action: "deleted", type: "file.file", name: "n", domain });
  hear({ kind: "distribution", action: "changed", id: "1", domain });
  const auth = { kind: "auth", user: null, by: "basic", correlationId: "", route: "/" } as const;
  hear({ ...auth, action: "failed" });
  hear({ ...auth, action: "login" });
  hear({ ...auth, action: "hijack", by: "session", acting: { as: "mara" } });
  assert.deepEqual(counted, [
    'pulp_service_repository_events_total {"action":"deleted","type":"file.file"}',
    'pulp_service_publication_events_total {"action":"distribution_changed"}',
    'pulp_service_auth_events_total {"class":"basic","outcome":"failure"}',
    'pulp_service_auth_events_total {"class":"basic","outcome":"success"}',
    'pulp_service_auth_events_total {"class":"session","outcome":"success"}',
  ]);
});

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  readonly event: { readonly name: string; readonly event: string };
}

/** An address that takes events as the test says. */
async function receiver(t: TestContext, answer: (count: number) => number | undefined) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    received.push({ headers: request.headers, text, event: JSON.parse(text) });
    const status = answer(received.length);
    if (status !== undefined) response.writeHead(status, { location: "/elsewhere" }).end("x");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return { received, url };
}

const outgoing = (name: string): Outgoing => ({
  ...{ id: uuid7(), name },
  payload: JSON.stringify({ name }),
});

/** An outbox over a webhook; both end with the test. */
async function outboxTo(t: TestContext, url: string, timeoutMs = 500) {
  const api = await createService(t);
  const http = createHttp({ deniedNetworks: [] });
  const open = (more: Partial<OutboxOptions> = {}) => {
    const sink = new Webhook({ ...api.ctx, http }, { url, secret: "", timeoutMs });
    const options = { sink, keepSeconds: 3600, pollMs: 50, firstPauseMs: 10 };
    const outbox = new Outbox(api.ctx, { ...options, ...more });
    t.after(() => outbox.close());
    return outbox;
  };
  const rows = async () => {
    const found = await sql<{ name: string; attempts: number }>`
      select name, attempts from service_event order by id`.execute(api.ctx.db);
    return found.rows;
  };
  const write = (names: readonly string[]) =>
    writeEvents(api.ctx.db, ["webhook"], names.map(outgoing));
  return { api, open, rows, write };
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`It did not come about: ${what}.`);
    await sleep(5);
  }
}

test("12.4: a webhook is sent what happened, signed", async (t) => {
  const { received, url } = await receiver(t, () => 204);
  const api = await createService(t, { EVENT_WEBHOOK_URL: url, EVENT_WEBHOOK_SECRET: "s" });
  await api.request("POST", below("default", FILES), { json: { name: "r" } });
  await api.get(below("default", "login/"), { user: "eve:wrong" });
  const auth = { user: "ana", by: "session", correlationId: "", route: "/" } as const;
  report(api.ctx, { kind: "auth", action: "hijack", acting: { as: "mara" }, ...auth });
  await closeListeners(api.ctx);
  assert.equal(received.length, 2, "refusals are no business of a webhook");
  const { event: name, user, as } = JSON.parse(received[1]?.text ?? "");
  assert.deepEqual([name, user, as], ["auth.hijack", "ana", "mara"]);
  const { headers, text, event } = received[0] as Received;
  assert.deepEqual(Object.keys(event), [
    ...["id", "event", "time", "correlation_id", "domain", "name", "type"],
    ...["user", "org_id", "route"],
  ]);
  assert.equal(event.event, "repository.created");
  assert.equal(headers["x-pulp-event"], "repository.created");
  assert.equal(headers["content-type"], "application/json");
  const signed = createHmac("sha256", "s").update(`${headers["x-pulp-timestamp"]}.${text}`);
  assert.equal(headers["x-pulp-signature"], `sha256=${signed.digest("hex")}`);
});

test("12.4: what is not taken is tried again, and given up where that makes no sense", async (t) => {
  const tries = new Map<string, number>();
  const { received, url } = await receiver(t, () => {
    const name = received.at(-1)?.event.name ?? "";
    const count = (tries.get(name) ?? 0) + 1;
    tries.set(name, count);
    if (name === "moved") return 302;
    if (name === "refused") return 400;
    return count < 4 ? [500, 429, 503][count - 1] : 204;
  });
  const { api, open, rows, write } = await outboxTo(t, url);
  await write(["a", "moved", "b", "refused"]);
  open().wake();
  await until("all are gone", async () => (await rows()).length === 0);
  assert.deepEqual(Object.fromEntries(tries), { a: 4, moved: 1, b: 4, refused: 1 });
  const warnings = api.logged.filter((line) => /is given up/.test(line));
  assert.equal(warnings.length, 2, warnings.join("\n"));
  assert.match(warnings.join("\n"), /event moved .*answered with 302[\s\S]*event refused .* 400/);
});

test("12.4: an event that nobody takes is given up after its time", async (t) => {
  const { url } = await receiver(t, () => 500);
  const { api, open, rows, write } = await outboxTo(t, url);
  await write(["old"]);
  open({ keepSeconds: 0.05 }).wake();
  await until("it is given up", async () => (await rows()).length === 0);
  assert.match(api.logged.join("\n"), /event old .*nobody took it in time/);
});

test("12.4: an address that hangs costs neither memory nor events", async (t) => {
  const { received, url } = await receiver(t, () => undefined);
  const { open, rows, write } = await outboxTo(t, url, 60_000);
  await write(Array.from({ length: 1000 }, (_, n) => `e${n}`));
  const outbox = open();
  for (let n = 0; n < 100; n += 1) outbox.wake();
  await until("one is tried", async () => received.length === 1);
  await outbox.close();
  assert.equal((await rows()).length, 1000, "others go on with them");
  assert.equal(received.length, 1);
  outbox.wake();
});

test("12.4: what a dead process was sending is sent by another one", async (t) => {
  const { received, url } = await receiver(t, (count) => (count === 1 ? undefined : 204));
  const { api, open, rows, write } = await outboxTo(t, url, 60_000);
  await write(["a"]);
  const dead = open();
  dead.wake();
  await until("it is being sent", async () => received.length === 1);
  const other = open();
  other.wake();
  await sleep(200);
  assert.equal(received.length, 1, "somebody is at it");
  await sql`update service_event set due = clock_timestamp()`.execute(api.ctx.db);
  await until("it is sent", async () => (await rows()).length === 0);
  assert.equal(received.length, 2);
  assert.equal(received[0]?.headers["x-pulp-delivery"], received[1]?.headers["x-pulp-delivery"]);
});

test("12.4: events are written with what they are about, and only where somebody gets them", async (t) => {
  const { url } = await receiver(t, () => 503);
  const silent = await createService(t);
  const plain = await silent.statementsOf(() =>
    silent.request("POST", below("default", FILES), { json: { name: "r" } }),
  );
  assert.ok(!plain.join().includes("service_event"));
  const api = await createService(t, { EVENT_WEBHOOK_URL: url });
  const count = async () =>
    (await sql<{ n: number }>`select count(*)::int as n from service_event`.execute(api.ctx.db))
      .rows[0]?.n;
  const event = { kind: "repository", action: "created", type: "x.x", name: "n" } as const;
  const told = { ...event, domain: api.domain };
  await assert.rejects(
    inTransaction(api.ctx, undefined, async (trx) => {
      report(api.ctx, told, trx);
      await keepReported(api.ctx, trx);
      throw new Error("undone");
    }),
    /undone/,
  );
  assert.equal(await count(), 0);
  await api.request("POST", below("default", FILES), { json: { name: "r" } });
  assert.equal(await count(), 1);
  await api.request("POST", below("default", "login/"));
  await until("the session is told of", async () => (await count()) === 2);
  await closeListeners(api.ctx);
});
