import assert from "node:assert/strict";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { HttpOptions } from "#platform/http/http.ts";
import { createHttp } from "#platform/http/undici.ts";
import { createIdentity } from "../../support/certificates.ts";
import { answer, createProxy, createUpstream } from "../../support/upstream.ts";

const options = (origin: string, more: Partial<HttpOptions> = {}): HttpOptions => ({
  origin,
  tlsValidation: true,
  headers: [],
  totalTimeoutMs: 10_000,
  connectTimeoutMs: 5_000,
  concurrency: 10,
  ...more,
});

const client = (origin: string, more: Partial<HttpOptions> = {}, denied: readonly string[] = []) =>
  createHttp({ deniedNetworks: denied }).client(options(origin, more));

test("a request gives status, headers, the final address and the body", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/moved", answer.redirect("/there?x=%2F"));
  upstream.on("/there?x=%2F", answer.file("hello", { "set-cookie": "a=1", "x-two": "b" }));
  await using http = client(upstream.url);

  const response = await http.get(`${upstream.url}/moved#part`);

  assert.equal(response.status, 200);
  assert.equal(response.url, `${upstream.url}/there?x=%2F`);
  assert.equal(response.headers["x-two"], "b");
  assert.equal(await text(response.body), "hello");
});

test("statuses resolve, with their reason", async (t) => {
  const upstream = await createUpstream(t);
  await using http = client(upstream.url);

  const response = await http.get(`${upstream.url}/none`);

  assert.equal(response.status, 404);
  assert.equal(response.reason, "Not Found");
  assert.equal(await text(response.body), "");
});

test("the user agent, custom headers and Basic reach the origin of the remote", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/", answer.file(""));
  await using http = client(upstream.url, {
    basicAuth: { username: "jo", password: "" },
    headers: [
      ["User-Agent", "mirror/1"],
      ["X-Many", "one"],
      ["x-many", "two"],
    ],
  });

  await text((await http.get(`${upstream.url}/`)).body);

  const { headers } = upstream.requests[0] ?? {};
  assert.match(
    headers?.["user-agent"] ?? "",
    /^pulpcore\/3\.95\.0 \(node \S+, \S+ \S+\) \(undici \S+\), mirror\/1$/,
  );
  assert.equal(headers?.["x-many"], "one, two");
  assert.equal(headers?.authorization, `Basic ${Buffer.from("jo:").toString("base64")}`);
});

test("nothing secret follows a redirect to another origin, and it returns home", async (t) => {
  const home = await createUpstream(t);
  const other = await createUpstream(t);
  home.on("/a", answer.redirect(`http://evil:pw@${new URL(other.url).host}/b`));
  other.on("/b", answer.redirect(`${home.url}/c`));
  home.on("/c", answer.file("end"));
  await using http = client(home.url, {
    basicAuth: { username: "jo", password: "secret" },
    headers: [["X-Token", "secret"]],
  });

  const response = await http.get(`${home.url}/a`, {
    headers: { Authorization: "Bearer mine", Cookie: "k=v", Range: "bytes=0-" },
  });
  await text(response.body);

  const [atHome, back] = home.requests;
  const [away] = other.requests;
  assert.equal(atHome?.headers.authorization, "Bearer mine");
  assert.equal(back?.headers["x-token"], "secret");
  assert.equal(away?.headers.authorization, undefined);
  assert.equal(away?.headers.cookie, undefined);
  assert.equal(away?.headers["x-token"], undefined);
  assert.equal(away?.headers.range, "bytes=0-");
});

test("an address on another origin gets no credentials of the remote at all", async (t) => {
  const other = await createUpstream(t);
  other.on("/", answer.file(""));
  await using http = client("https://example.com", {
    basicAuth: { username: "jo", password: "secret" },
    headers: [["X-Token", "secret"]],
  });

  await text((await http.get(other.url)).body);

  assert.equal(other.requests[0]?.headers.authorization, undefined);
  assert.equal(other.requests[0]?.headers["x-token"], undefined);
});

test("redirects end after ten, and never leave http", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/loop", answer.redirect("/loop"));
  upstream.on("/file", answer.redirect("file:///etc/passwd"));
  upstream.on("/unix", answer.redirect("unix:/run/x.sock"));
  await using http = client(upstream.url);

  await assert.rejects(http.get(`${upstream.url}/loop`), { code: "PLP0009", message: /10 times/ });
  assert.equal(upstream.asked("/loop").length, 11);
  await assert.rejects(http.get(`${upstream.url}/file`), {
    message: "[PLP0009] URL: file:///etc/passwd not supported.",
  });
  await assert.rejects(http.get(`${upstream.url}/unix`), { code: "PLP0009" });
});

test("other schemes and ports of other services are refused before a connection", async () => {
  await using http = client("http://127.0.0.1");

  for (const url of ["gopher://h/", "file:///etc/passwd", "/etc/passwd", "http://127.0.0.1:22/"])
    await assert.rejects(http.get(url), { code: "PLP0009", message: /not supported/ });
});

test("a denied network is refused however its address is written", async (t) => {
  const upstream = await createUpstream(t);
  upstream.otherwise(answer.file("x"));
  const { port } = new URL(upstream.url);
  await using http = client(upstream.url, {}, ["loopback", "private", "link-local"]);
  const hosts = ["127.1", "0x7f000001", "2130706433", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]"];
  const more = ["169.254.169.254", "[64:ff9b::7f00:1]", "localhost", "[::1]", "0"];

  for (const host of [...hosts, ...more])
    await assert.rejects(http.get(`http://${host}:${port}/`), {
      code: "PLP0009",
      message: /REMOTE_DENIED_NETWORKS/,
    });
  assert.equal(upstream.requests.length, 0);
});

test("each hop is judged anew", async (t) => {
  const upstream = await createUpstream(t, { host: "127.0.0.2" });
  upstream.on("/", answer.redirect("http://127.0.0.3/"));
  await using http = client(upstream.url, {}, ["127.0.0.3"]);

  await assert.rejects(http.get(`${upstream.url}/`), { message: /REMOTE_DENIED_NETWORKS/ });
});

test("one content encoding is decoded, more are refused", async (t) => {
  const upstream = await createUpstream(t);
  const body = "text ".repeat(1000);
  const encoded = {
    gzip: gzipSync(body),
    deflate: deflateSync(body),
    br: brotliCompressSync(body),
    zstd: zstdCompressSync(body),
  };
  for (const [name, bytes] of Object.entries(encoded))
    upstream.on(`/${name}`, answer.file(bytes, { "content-encoding": name }));
  upstream.on("/two", answer.file(gzipSync(encoded.gzip), { "content-encoding": "gzip, gzip" }));
  upstream.on("/odd", answer.file(body, { "content-encoding": "rot13" }));
  upstream.on("/head", answer.file(encoded.gzip, { "content-encoding": "gzip" }));
  await using http = client(upstream.url);

  for (const name of Object.keys(encoded))
    assert.equal(await text((await http.get(`${upstream.url}/${name}`)).body), body);
  for (const name of ["two", "odd"])
    await assert.rejects(http.get(`${upstream.url}/${name}`), {
      code: "PLP0027",
      message: /content encoding/,
    });
  const head = await http.get(`${upstream.url}/head`, { method: "HEAD" });
  assert.equal(await text(head.body), "");
});

test("a body that decompresses without end is cut", async (t) => {
  const upstream = await createUpstream(t);
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  upstream.on("/", answer.file(bomb, { "content-encoding": "gzip" }));
  await using http = client(upstream.url);

  const { body } = await http.get(upstream.url);

  await assert.rejects(buffer(body), { code: "PLP0027", message: /decompresses without end/ });
});

test("a body that is cut short fails, with its name", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/f?sig=secret", answer.truncated("0123456789", 4));
  await using http = client(upstream.url);

  const { body } = await http.get(`${upstream.url}/f?sig=secret`);

  await assert.rejects(buffer(body), (error: Error & { code?: string }) => {
    assert.equal(error.code, "PLP0027");
    assert.match(error.message, new RegExp(`${upstream.url}/f\\?… failed`));
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test("total and silence are limited", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/drip", answer.dripping(20));
  upstream.on("/hang", answer.hanging());
  upstream.on("/silent", answer.silent());
  await using total = client(upstream.url, { totalTimeoutMs: 300 });
  await using silence = client(upstream.url, { readTimeoutMs: 200 });
  const late = {
    message: `[PLP0005] Request timed out for ${upstream.url}/drip. Increasing the total_timeout value on the remote might help.`,
  };

  const dripping = await total.get(`${upstream.url}/drip`);
  await assert.rejects(buffer(dripping.body), late);
  await assert.rejects(total.get(`${upstream.url}/silent`), { code: "PLP0005" });
  const hanging = await silence.get(`${upstream.url}/hang`);
  await assert.rejects(buffer(hanging.body), { code: "PLP0005" });
  await assert.rejects(silence.get(`${upstream.url}/silent`), { code: "PLP0005" });
});

test("names that do not resolve, and ports where nobody listens", async (t) => {
  const upstream = await createUpstream(t);
  await using http = client(upstream.url);

  await assert.rejects(http.get("http://no-such-name.invalid/"), {
    message: "[PLP0008] URL lookup failed.",
  });
  await assert.rejects(http.get("http://127.0.0.1:9999/"), {
    code: "PLP0027",
    message: /^\[PLP0027\] Connection to http:\/\/127\.0\.0\.1:9999\/ failed: .*ECONNREFUSED/,
  });
});

test("a head that is too large is a connection failure", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/", answer.file("", { "x-large": "x".repeat(100_000) }));
  await using http = client(upstream.url);

  await assert.rejects(http.get(upstream.url), { code: "PLP0027" });
});

test("the caller's abort ends the wait, the request and the body", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/silent", answer.silent());
  upstream.on("/drip", answer.dripping(20));
  await using http = client(upstream.url, { concurrency: 1 });

  for (const path of ["/silent", "/drip"]) {
    const abort = new AbortController();
    const request = http.get(upstream.url + path, { signal: abort.signal });
    const queued = http.get(upstream.url + path, { signal: abort.signal });
    queued.catch(() => undefined);
    setTimeout(() => abort.abort(), 100);
    await assert.rejects(async () => text((await request).body), { name: "AbortError" });
    await assert.rejects(queued, { name: "AbortError" });
  }
});

test("concurrency counts until the body is read, the rate counts requests", async (t) => {
  const upstream = await createUpstream(t);
  upstream.otherwise((_request, response) => setTimeout(() => response.end("x"), 20));
  await using http = client(upstream.url, { concurrency: 3 });
  await using slow = client(upstream.url, { rateLimit: 20 });

  await Promise.all(
    Array.from({ length: 12 }, async () => text((await http.get(upstream.url)).body)),
  );
  assert.equal(upstream.load.most, 3);
  const start = Date.now();
  await Promise.all(
    Array.from({ length: 7 }, async () => text((await slow.get(upstream.url)).body)),
  );
  assert.ok(Date.now() - start >= 290, `${Date.now() - start} ms`);
});

test("an upstream that asks for patience gets it from all requests", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/", answer.inTurn(answer.status(429, { "retry-after": "1" }), answer.file("x")));
  await using http = client(upstream.url);

  const start = Date.now();
  assert.equal((await http.get(upstream.url)).body.resume().destroyed, false);
  await text((await http.get(upstream.url)).body);

  assert.ok(Date.now() - start >= 990, `${Date.now() - start} ms`);
});

test("TLS: an authority of the remote is trusted, others are not", async (t) => {
  const authority = createIdentity("Test CA");
  const identity = createIdentity("upstream", { issuer: authority, names: ["127.0.0.1"] });
  const upstream = await createUpstream(t, { identity, clientAuthority: authority });
  const user = createIdentity("mirror", { issuer: authority });
  upstream.on("/", answer.file("secure"));
  await using trusting = client(upstream.url, {
    caCert: authority.cert,
    clientCert: user.cert,
    clientKey: user.key,
  });
  await using plain = client(upstream.url);
  await using careless = client(upstream.url, { tlsValidation: false });

  assert.equal(await text((await trusting.get(upstream.url)).body), "secure");
  assert.equal(upstream.requests[0]?.clientName, "mirror");
  await assert.rejects(plain.get(upstream.url), { code: "PLP0026" });
  assert.equal(await text((await careless.get(upstream.url)).body), "secure");
});

test("TLS: a client key that is none fails the request, not the process", async (t) => {
  const authority = createIdentity("Test CA");
  const identity = createIdentity("upstream", { issuer: authority, names: ["127.0.0.1"] });
  const upstream = await createUpstream(t, { identity });
  await using http = client(upstream.url, { clientCert: authority.cert, clientKey: "nonsense" });

  await assert.rejects(http.get(upstream.url), { code: "PLP0026" });
});

test("TLS: expired certificates and other names are refused", async (t) => {
  const authority = createIdentity("Test CA");
  const names = ["127.0.0.1"];
  const expired = createIdentity("old", { issuer: authority, names, expired: true });
  const wrong = createIdentity("wrong", { issuer: authority, names: ["example.com"] });

  for (const identity of [expired, wrong]) {
    const upstream = await createUpstream(t, { identity });
    await using http = client(upstream.url, { caCert: authority.cert });
    await assert.rejects(http.get(upstream.url), { code: "PLP0026" });
  }
});

test("TLS: the client certificate stays with its origin", async (t) => {
  const authority = createIdentity("Test CA");
  const identity = createIdentity("upstream", { issuer: authority, names: ["127.0.0.1"] });
  const setup = { identity, clientAuthority: authority };
  const [home, other] = [await createUpstream(t, setup), await createUpstream(t, setup)];
  const user = createIdentity("mirror", { issuer: authority });
  home.on("/", answer.redirect(other.url));
  other.on("/", answer.file(""));
  await using http = client(home.url, {
    caCert: authority.cert,
    clientCert: user.cert,
    clientKey: user.key,
  });

  await text((await http.get(home.url)).body);

  assert.equal(home.requests[0]?.clientName, "mirror");
  assert.equal(other.requests[0]?.clientName, undefined);
});

test("a proxy forwards http and tunnels https, with its credentials", async (t) => {
  const authority = createIdentity("Test CA");
  const identity = createIdentity("upstream", { issuer: authority, names: ["127.0.0.1"] });
  const secure = await createUpstream(t, { identity });
  const plain = await createUpstream(t);
  const proxy = await createProxy(t, "pat:pw");
  for (const upstream of [secure, plain]) upstream.on("/", answer.file("through"));
  const good = { url: proxy.url, username: "pat", password: "pw" };
  await using http = client(plain.url, { proxy: good, caCert: authority.cert });
  await using wrong = client(plain.url, { proxy: { ...good, password: "no" } });

  assert.equal(await text((await http.get(plain.url)).body), "through");
  assert.equal(await text((await http.get(secure.url)).body), "through");
  assert.deepEqual(
    proxy.requests.map(({ method }) => method),
    ["GET", "CONNECT"],
  );
  for (const url of [plain.url, secure.url])
    await assert.rejects(wrong.get(url), {
      message: `[PLP0010] Proxy authentication failed for ${proxy.url}/. Please check your proxy credentials.`,
    });
});

test("proxies of other kinds are refused", async () => {
  await using http = client("http://127.0.0.1", { proxy: { url: "socks5://127.0.0.1:1080" } });

  await assert.rejects(http.get("http://127.0.0.1/"), {
    message: "[PLP0009] URL: socks5://127.0.0.1:1080 not supported.",
  });
});

test("disposing ends what is running", async (t) => {
  const upstream = await createUpstream(t);
  upstream.on("/", answer.dripping(10));
  const http = client(upstream.url);
  const { body } = await http.get(upstream.url);

  await http[Symbol.asyncDispose]();

  await assert.rejects(buffer(body));
  await sleep(50);
  assert.equal(upstream.load.now, 0);
});
