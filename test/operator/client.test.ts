import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { type Connection, connectionOf } from "#operator/client/connection.ts";
import { netrcLogin } from "#operator/client/netrc.ts";
import { TokenSource } from "#operator/client/oauth2.ts";
import { ServerClient } from "#operator/client/server-client.ts";
import { tokenEndpoint } from "#operator/client/token-endpoint.ts";
import { createIdentity } from "../support/certificates.ts";
import { runOperator } from "./support/operator.ts";
import { page, standIn } from "./support/stand-in.ts";

const { signal } = new AbortController();

const NETRC = `
# comment machine a.example login no password no
machine a.example login ann password "with \\"quotes\\" and spaces"
macdef init
machine b.example login no password no

machine b.example
  account x
  login ben password p
machine c.example login only
default login anybody password d
`;

test("a .netrc is read as others read it", () => {
  const login = (host: string) => Object.values(netrcLogin(NETRC, host) ?? {});
  assert.deepEqual(login("a.example"), ["ann", 'with "quotes" and spaces']);
  assert.deepEqual(login("b.example"), ["ben", "p"]);
  assert.deepEqual(login("c.example"), []);
  assert.deepEqual(login("z.example"), ["anybody", "d"]);
  assert.equal(netrcLogin("machine a.example", "a.example"), undefined);
  assert.equal(netrcLogin("", "a.example"), undefined);
});

async function configOf(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "deckle-profile-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "cli.toml");
  await writeFile(file, text);
  return file;
}

const connect = (text: Record<string, string>, environment: Record<string, string> = {}) =>
  connectionOf({ text, list: {}, on: {}, rest: [] }, { HOME: "/nonexistent", ...environment });

test("flags go before the profile, and the profile before .netrc", async (t) => {
  const config = await configOf(
    t,
    `[cli]
base_url = "https://pulp.example/ignored"
api_root = "/api/pulp/"
username = "ann"
password = "one"
headers = ["X-Team: a: b"]
timeout = 5
[cli-stage]
base_url = "https://stage.example:8443"
verify_ssl = false
`,
  );
  const whole = await connect({ config });
  assert.equal(whole.origin, "https://pulp.example");
  assert.equal(whole.apiRoot, "/api/pulp/");
  assert.deepEqual(whole.login, { username: "ann", password: "one" });
  assert.deepEqual(whole.headers, [["X-Team", "a: b"]]);
  assert.equal(whole.timeoutMs, 5000);
  const other = await connect(
    { config, user: "ben", "base-url": "http://[::1]:1" },
    { DECKLE_OPERATOR_PASSWORD: "two" },
  );
  assert.deepEqual(
    [other.origin, other.login],
    ["http://[::1]:1", { username: "ben", password: "two" }],
  );
  const stage = await connect({ config, profile: "stage" });
  assert.deepEqual([stage.verifiesTls, stage.login], [false, undefined]);

  const elsewhere = await connect({ config, "base-url": "https://other.example" });
  assert.deepEqual([elsewhere.login, elsewhere.headers], [undefined, []]);
  const same = await connect({ config, "base-url": "https://pulp.example/" });
  assert.deepEqual(same.login, { username: "ann", password: "one" });

  // The password of one user is not that of another.
  await assert.rejects(connect({ config, user: "ben" }), /The user ben has no password/);
  await assert.rejects(connect({ config, profile: "prod" }), /no table \[prod\] or \[cli-prod\]/);
  await assert.rejects(connect({ "base-url": "ftp://a" }), /must be http\(s\):/);
  const secret = await configOf(t, `[cli]\nbase_url = "http://a"\npassword = "s3cret\n`);
  await assert.rejects(connect({ config: secret }), (error: Error) => {
    assert.doesNotMatch(error.message, /s3cret/);
    return /The profile in .*cli\.toml cannot be used/.test(error.message);
  });
});

test("one token serves until it is about to expire, and is asked for anew after a 401", async (t) => {
  let [issued, valid] = [0, 0];
  const issuer = await standIn(t, ({ body, authorization }) => {
    issued += 1;
    valid = issued;
    assert.equal(body, "grant_type=client_credentials&scope=api.pulp");
    const pair = Buffer.from(authorization?.slice(6) ?? "", "base64").toString();
    assert.equal(pair, "id%3A1:s+e%25cret");
    return { json: { access_token: `t${issued}`, token_type: "bearer", expires_in: 300 } };
  });
  const server = await standIn(t, ({ authorization }) =>
    authorization === `Bearer t${valid}` ? page([]) : { status: 401 },
  );
  const connection: Connection = {
    ...{ origin: server.url, apiRoot: "/pulp/", headers: [], tls: {}, verifiesTls: true },
    timeoutMs: 10_000,
    oauth2: {
      ...{ tokenUrl: `${issuer.url}/token`, clientId: "id:1", clientSecret: "s e%cret" },
      scope: "api.pulp",
    },
  };
  await using client = new ServerClient(connection, signal);
  await Promise.all([client.page("/a"), client.page("/b"), client.page("/c")]);
  assert.equal(issued, 1);
  valid = 99;
  await client.page("/d");
  assert.equal(issued, 2);
  valid = 99;
  const refusing = { ...connection.oauth2, tokenUrl: `${server.url}/token` } as const;
  await using refused = new ServerClient(
    { ...connection, oauth2: { ...refusing, clientSecret: "s3cret", clientId: "i" } },
    signal,
  );
  await assert.rejects(refused.page("/e"), (error: Error) => {
    assert.doesNotMatch(error.message, /s3cret/);
    return /No token from .*: the issuer answered 401/.test(error.message);
  });
});

test("a token is replaced before it ends, and lives as long as the server lets it without an end", async () => {
  let [now, issued] = [0, 0];
  const source = (expires_in?: number) =>
    new TokenSource(
      { tokenUrl: "http://issuer", clientId: "a", clientSecret: "b" },
      {
        post: async () => {
          issued += 1;
          const text = JSON.stringify({ access_token: `t${issued}`, expires_in });
          return { status: 200, text };
        },
        discover: () => assert.fail("the endpoint is known"),
      },
      () => now,
    );
  const short = source(300);
  assert.equal(await short.token(), "t1");
  now = 269_000;
  assert.equal(await short.token(), "t1");
  now = 271_000;
  assert.equal(await short.token(), "t2");
  await short.forget("t1");
  assert.equal(await short.token(), "t2");
  const endless = source();
  assert.equal(await endless.token(), "t3");
  now = 1e12;
  assert.equal(await endless.token(), "t3");
  await endless.forget("t3");
  assert.equal(await endless.token(), "t4");
});

test("the issuer is found in the description of the API, but never one in the clear", async (t) => {
  const issuer = await standIn(t, ({ body }) => ({ json: { access_token: `for ${body}` } }));
  const scheme = (tokenUrl: string) => ({
    components: {
      securitySchemes: {
        basic: { type: "http" },
        oauth: { flows: { clientCredentials: { tokenUrl, scopes: { "api.a": "", "api.b": "" } } } },
      },
    },
  });
  const server = await standIn(t, () => ({ json: scheme(`${issuer.url}/token`) }));
  const config = await configOf(
    t,
    `[cli]\nbase_url = "${server.url}"\nclient_id = "i"\nclient_secret = "s"\n`,
  );
  const { code, out, err } = await runOperator(["oauth2-token", "--config", config]);
  assert.equal(code, 0, err);
  assert.equal(out, "for grant_type=client_credentials&scope=api.a+api.b\n");
  assert.equal(server.asked[0]?.path, "/pulp/api/v3/docs/api.json");

  const elsewhere = await runOperator([
    ...["oauth2-token", "--config", config, "--token-url", `${issuer.url}/other`, "--scope", "x"],
  ]);
  assert.equal(elsewhere.out, "for grant_type=client_credentials&scope=x\n");
  assert.equal(issuer.asked.at(-1)?.path, "/other");

  const secure = new URL("https://pulp.example/docs");
  const found = (value: object) => tokenEndpoint(secure, JSON.stringify(value));
  assert.equal(found(scheme("/token")).tokenUrl, "https://pulp.example/token");
  assert.throws(() => found(scheme("http://sso.example/token")), /it is not https/);
  assert.throws(() => found({}), /it names no issuer/);
});

test("a next page on another host is refused, and nothing is sent there", async (t) => {
  const thief = await standIn(t, () => page([]));
  const next: { link: string | null } = { link: null };
  const server = await standIn(t, ({ path }) =>
    page([{ path }], path.includes("offset") ? null : next.link),
  );
  const words = ["--base-url", server.url, "--user", "ann", "--password", "pw"];
  const run = () => runOperator(["tasks-cli", ...words]);

  next.link = `${thief.url}/api/pulp/admin/tasks/?offset=1`;
  const stolen = await run();
  assert.equal(stolen.code, 1);
  assert.match(stolen.err, /not asked for, since it would get the credentials/);
  assert.deepEqual(thief.asked, []);
  // Servers behind a proxy may believe in another scheme, but not in another host.
  next.link = `${server.url.replace("http:", "https:")}/api/pulp/admin/tasks/?offset=1`;
  const followed = await run();
  assert.equal(followed.code, 0, followed.err);
  assert.match(server.asked.at(-1)?.path ?? "", /\?offset=1$/);
});

test("downloads from elsewhere are asked for without credentials", async (t) => {
  const elsewhere = await standIn(t, () => ({ text: "file" }));
  const server = await standIn(t, () => ({ status: 302, location: `${elsewhere.url}/f` }));
  const login = { username: "ann", password: "pw" };
  const connection = { origin: server.url, apiRoot: "/", headers: [["x-a", "b"]] as const, login };
  await using client = new ServerClient(
    { ...connection, tls: {}, verifiesTls: true, timeoutMs: 10_000 },
    signal,
  );
  const { text } = await client.download(new URL(`${server.url}/f`));
  assert.equal(text, "file");
  assert.match(server.asked[0]?.authorization ?? "", /^Basic /);
  assert.equal(elsewhere.asked[0]?.authorization, undefined);
});

test("a client certificate goes to a server whose authority is given, and to nobody else", async (t) => {
  const authority = createIdentity("authority");
  const [host, client] = [
    createIdentity("server", { issuer: authority, names: ["127.0.0.1"] }),
    createIdentity("ops", { issuer: authority }),
  ];
  const tls = { cert: host.cert, key: host.key, ca: authority.cert };
  const seen: string[] = [];
  const serve = async (
    answer: (url: string) => { status: number; location?: string; text?: string },
  ) => {
    const server = createServer(
      { ...tls, requestCert: true, rejectUnauthorized: false },
      (q, s) => {
        seen.push((q.socket as TLSSocket).getPeerCertificate().subject?.CN?.toString() ?? "nobody");
        const { status, location, text } = answer(q.url ?? "");
        s.writeHead(status, location === undefined ? {} : { location }).end(text);
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const elsewhere = await serve(() => ({ status: 200, text: "file" }));
  const url = await serve(() => ({ status: 302, location: elsewhere }));
  const folder = await mkdtemp(join(tmpdir(), "deckle-tls-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const flags = {
    "base-url": url,
    cert: await write("cert.pem", client.cert),
    key: await write("key.pem", client.key),
  };
  const trusting = { ...flags, "ca-cert": await write("ca.pem", authority.cert) };

  await using good = new ServerClient(await connect(trusting), signal);
  assert.equal((await good.download(new URL(url))).text, "file");
  assert.deepEqual(seen, ["ops", "nobody"]);
  await using strict = new ServerClient(await connect(flags), signal);
  await assert.rejects(strict.ask("/"), /cannot be reached: .*(?:certificate|issuer)/i);
  await assert.rejects(connect({ ...flags, cert: "/nonexistent.pem" }), /cannot be used: ENOENT/);
});

test("the launcher knows its tools", async () => {
  const { code, out } = await runOperator([]);
  assert.equal(code, 0);
  assert.match(out, /^ {2}delete_domain {2,}Deletes everything/m);
  const wrong = await runOperator(["delete-domian"]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /There is no tool 'delete-domian'\. Did you mean delete_domain\?/);
  const help = await runOperator(["export_access_logs", "--help"]);
  assert.match(help.out, /^Usage: deckle-operator export-access-logs /);
});
