import assert from "node:assert/strict";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { downloadHooks } from "#app/hooks.ts";
import { createContentServer } from "#delivery/server.ts";
import { service } from "#plugins/service/plugin.ts";
import { createContext } from "../../support/context.ts";
import {
  as,
  below,
  CLASSES,
  certificate,
  createService,
  headersFor,
  saml,
  user,
} from "./support.ts";

const NAMES = [
  "ProfilerMiddleware",
  "RhEdgeHostMiddleware",
  "RHSamlAuthHeaderMiddleware",
  "RequestPathMiddleware",
  "ActiveConnectionsMetricMiddleware",
  "TrueClientIPMiddleware",
].map((name) => `pulp_service.app.middleware.${name}`);

/** The order of the founding document, that of production, and none in particular. */
const ORDERS = [NAMES, [...NAMES].reverse(), [...NAMES.slice(3), ...NAMES.slice(0, 3)]];

test("12.1: every order of the setting works, and foreign names do no harm", async (t) => {
  for (const order of ORDERS) {
    const api = await createService(t, {
      MIDDLEWARE: ["django.middleware.common.CommonMiddleware", ...order, ...order],
      USE_X_FORWARDED_HOST: true,
      SECURE_PROXY_SSL_HEADER: ["HTTP_X_FORWARDED_PROTO", "https"],
    });
    for (const name of ["a", "b"])
      await api.request("POST", below("default", "repositories/file/file/"), { json: { name } });
    const list = below("default", "repositories/file/file/?limit=1");
    const next = async (headers: Record<string, string>) =>
      (await api.get(list, { headers })).body.next;
    assert.match(await next({}), /^http:\/\/deckle\.example\/pulp\//);
    const edge = { "x-rh-edge-host": "edge.example", "x-forwarded-proto": "https" };
    assert.match(await next(edge), /^https:\/\/edge\.example\/pulp\//);
    const both = { "x-rh-edge-host": "edge.example", "x-forwarded-host": "inner.example" };
    assert.match(await next(both), /^http:\/\/edge\.example\/pulp\//, "it replaces the other");
    const bad = { "x-rh-edge-host": "evil.example/../<script>" };
    assert.match(
      await next(bad),
      /^http:\/\/deckle\.example\/pulp\//,
      "what is no host is not believed",
    );
  }
});

test("12.1: an unknown name of the plugin stops the start and names the known ones", async (t) => {
  const MIDDLEWARE = ["pulp_service.app.middleware.Nothing"];
  await assert.rejects(createService(t, { MIDDLEWARE }), {
    message: /middleware\.Nothing, which is none of .*RhEdgeHostMiddleware/,
  });
});

test("12.1: the true address of the client counts from proxies that are trusted", async (t) => {
  const api = await createService(t, { MIDDLEWARE: NAMES, TRUSTED_PROXIES: ["10.1.0.0/16"] });
  const seen: string[] = [];
  const ask = async (headers: Record<string, string>, remoteAddress: string) => {
    const answer = await api.app.inject({
      url: below("default", "login/"),
      headers: { host: "deckle.example", authorization: "Basic eDp4", ...headers },
      remoteAddress,
    });
    assert.equal(answer.statusCode, 401);
    const { headers: sent } = answer.raw.req as unknown as { headers: Record<string, string> };
    seen.push(String(sent["x-forwarded-for"]));
  };
  await ask({ "true-client-ip": "192.0.2.7" }, "10.1.2.3");
  await ask({ "true-client-ip": "192.0.2.7", "x-forwarded-for": "10.1.9.9" }, "10.1.2.3");
  await ask({ "true-client-ip": "2001:db8::7", "x-forwarded-for": "10.1.9.9" }, "10.1.2.3");
  await ask({ "true-client-ip": "no address", "x-forwarded-for": "10.1.9.9" }, "10.1.2.3");
  assert.deepEqual(seen, ["192.0.2.7", "192.0.2.7, 10.1.9.9", "2001:db8::7, 10.1.9.9", "10.1.9.9"]);
});

test("12.1: connections are counted while they are answered", async (t) => {
  const api = await createService(t, { MIDDLEWARE: NAMES });
  const steps: number[] = [];
  t.mock.method(
    api.ctx.metrics,
    "count",
    (name: string, labels: Readonly<Record<string, string>> = {}, by = 1) => {
      if (name !== "pulp_api_active_connections") return;
      assert.equal(labels.worker_name, api.ctx.process.name);
      steps.push(by);
    },
  );
  await api.get(below("default", "status/"));
  await api.get("/nothing/there");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(steps.toSorted(), [-1, -1, 1, 1]);
});

test("12.1: profiles are for administrators, become artifacts, and change nothing", async (t) => {
  const api = await createService(t, { MIDDLEWARE: NAMES });
  const path = below("default", "repositories/file/file/");
  const headers = { "x-profile-request": "1" };
  const plain = await api.get(path);
  const profiled = await api.get(path, { headers });
  assert.deepEqual(profiled.body, plain.body);
  assert.ok(profiled.headers["x-profile-url"], JSON.stringify([api.logged, profiled.headers]));
  const url = String(profiled.headers["x-profile-url"]);
  const artifact = await api.get(new URL(url).pathname);
  assert.equal(artifact.status, 200, url);
  assert.ok(artifact.body.size > 100);
  assert.ok(api.logged.includes(`INFO Profile data URL: ${url}`));
  assert.equal(plain.headers["x-profile-url"], undefined);
  const tenant = await api.get(below("default", "login/"), as(user("ana", "1"), { headers }));
  assert.equal(tenant.status, 200);
  assert.equal(tenant.headers["x-profile-url"], undefined);
  assert.ok((await api.get(path, { headers })).headers["x-profile-url"], "the next one may again");
});

test("12.1: SAML opens a session for the administration site, and a failure opens none", async (t) => {
  const api = await createService(t, { MIDDLEWARE: NAMES, classes: [CLASSES.session] });
  const site = "/api/pulp-mgmt/";
  const answer = await api.get(site, as(saml("ops@example.org")));
  const cookies = [answer.headers["set-cookie"] ?? []].flat().map((cookie) => cookie.split(";")[0]);
  assert.ok(
    cookies.some((cookie) => cookie?.startsWith("sessionid=")),
    "there is a session",
  );
  assert.ok(api.logged.includes("INFO User ops@example.org authenticated for pulp-mgmt"));
  const login = below("default", "login/");
  const known = await api.get(login, { user: null, headers: { cookie: cookies.join("; ") } });
  assert.ok(known.body.username, JSON.stringify([known.text, cookies, answer.headers]));
  assert.equal(known.body.username, "ops@example.org");
  const again = await api.get(site, {
    ...as(saml("other@example.org")),
    headers: { ...headersFor(saml("other@example.org")), cookie: cookies.join("; ") },
  });
  assert.equal(again.headers["set-cookie"], undefined, "a session is not replaced");
  for (const identity of [
    user("ana", "1"),
    { associate: 7 },
    { associate: { email: "a\u0000b" } },
  ]) {
    const { headers, status } = await api.get(site, as(identity));
    assert.deepEqual([status, headers["set-cookie"]], [302, undefined], JSON.stringify(identity));
  }
  const elsewhere = await api.get(login, as(saml("ops@example.org")));
  assert.equal(elsewhere.headers["set-cookie"], undefined);
});

async function contentServer(t: TestContext) {
  const { ctx, mediaRoot } = await createContext(t, {
    settings: { CONTENT_PATH_PREFIX: "/api/pulp-content/", DOMAIN_ENABLED: true },
    kind: "content",
  });
  const observe = downloadHooks(ctx, [service]);
  const server = createContentServer(ctx, { handlers: [], observe });
  t.after(() => server.close(AbortSignal.timeout(1000)));
  const { port } = (await server.listen({ host: "127.0.0.1", port: 0 })) as AddressInfo;
  const organisation = (path: string, headers: Record<string, string>) =>
    new Promise<[number, unknown]>((resolve, reject) => {
      get({ port, host: "127.0.0.1", path, headers }, (response) => {
        response.resume();
        resolve([response.statusCode ?? 0, response.headers["x-rh-org-id"]]);
      }).on("error", reject);
    });
  return { organisation, mediaRoot };
}

test("24 Content: answers of every kind name the organisation of the gateway's header, if it has one", async (t) => {
  const { organisation } = await contentServer(t);
  const ok = "/api/pulp-content/default/";
  const missing = "/api/pulp-content/default/none/at/all";
  const redirect = "/api/pulp-content/default";
  const header = (value: string) => ({ "x-rh-identity": value });
  const inner = headersFor({ internal: { org_id: "7" } });
  const lines = JSON.stringify({ identity: { org_id: "7\r\nset-cookie: a=b" } });
  const cases = [
    [ok, headersFor({ org_id: "44" }), "44"],
    [ok, headersFor({ org_id: 44 }), "44"],
    [missing, headersFor({ org_id: "44" }), "44"],
    [redirect, headersFor({ org_id: "44" }), "44"],
    [ok, {}, undefined],
    [ok, header(""), undefined],
    [ok, header("x"), undefined],
    [ok, header(Buffer.from("{").toString("base64")), undefined],
    [ok, headersFor(certificate("/CN=x", "44")), undefined],
    [ok, headersFor(saml("a@b.example")), undefined],
    [ok, inner, undefined],
    [ok, header(Buffer.from(lines).toString("base64")), undefined],
  ] as const;
  const found = new Set<number>();
  for (const [path, headers, expected] of cases) {
    const [status, value] = await organisation(path, headers);
    assert.equal(value, expected, `${path} ${JSON.stringify(headers)}`);
    found.add(status);
  }
  assert.deepEqual(
    [...found].sort(),
    [200, 301, 404].filter((one) => found.has(one)),
  );
  assert.ok(found.has(200) && found.has(404));
});
