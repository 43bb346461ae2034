import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backoffMs,
  certificates,
  continuesAt,
  filePath,
  httpOptions,
  importPathProblem,
  isTransient,
  proxyProblem,
  proxyUrlProblem,
  rangeValidator,
  retriesOf,
  urlProblem,
  wrongDigest,
} from "./rules.ts";

test("addresses with credentials and relative file paths are refused in the wire's words", () => {
  const credentials =
    "The remote url contains username or password. Please use remote username or password instead.";

  assert.equal(urlProblem("http://user:pw@host/x"), credentials);
  assert.equal(urlProblem("https://user@host"), credentials);
  assert.equal(urlProblem("http://host/a@b?c=@d"), undefined);
  assert.equal(urlProblem("file://data/x"), "The path 'data/x' needs to be an absolute pathname.");
  assert.equal(urlProblem("file:///data/x"), undefined);
  assert.equal(filePath("FILE:///data/a b"), "/data/a b");
  assert.equal(filePath("http://h/"), undefined);
  assert.equal(
    importPathProblem("/etc/x"),
    "The path '/etc/x' does not start with any of the allowed import paths",
  );
});

test("proxies: no credentials in the address, pairs only, and only with a proxy", () => {
  const proxy_url = "http://proxy";

  assert.equal(proxyUrlProblem("http://u:p@proxy"), "proxy_url must not contain credentials");
  assert.equal(proxyUrlProblem(proxy_url), undefined);
  assert.equal(
    proxyProblem({ proxy_username: "u", proxy_password: "p" }),
    "proxy credentials cannot be specified without a proxy",
  );
  assert.equal(
    proxyProblem({ proxy_url, proxy_username: "u" }),
    "proxy username and password can only be specified together",
  );
  assert.equal(proxyProblem({ proxy_url, proxy_username: "u", proxy_password: "p" }), undefined);
  assert.equal(proxyProblem({}), undefined);
});

test("certificates keep only their blocks; none or broken ones are named", () => {
  assert.deepEqual(certificates("ca_cert", "nothing"), {
    problem: "No ca_cert specified in string nothing",
  });
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  const result = certificates("client_cert", broken);
  assert.ok("problem" in result);
  assert.match(result.problem, /^Invalid client_cert specified, error '.+'$/s);
});

test("null columns give the defaults", () => {
  assert.deepEqual(httpOptions({ url: "http://host:8080/x/PULP_MANIFEST" }), {
    origin: "http://host:8080",
    tlsValidation: true,
    headers: [],
    totalTimeoutMs: 300_000,
    connectTimeoutMs: 30_000,
    concurrency: 10,
  });
  assert.equal(retriesOf({ max_retries: null }), 3);
  assert.equal(retriesOf({ max_retries: 0 }), 0);
});

test("set columns reach the client in its units", () => {
  const options = httpOptions({
    url: "file:///data/PULP_MANIFEST",
    username: "u",
    headers: [{ a: "1", b: "2" }, { a: "3" }],
    total_timeout: 0.5,
    connect_timeout: 2,
    sock_connect_timeout: 0,
    sock_read_timeout: 1.5,
    rate_limit: 4,
    download_concurrency: 2,
    proxy_url: "http://proxy",
    tls_validation: false,
  });

  assert.deepEqual(options, {
    origin: "file://",
    tlsValidation: false,
    basicAuth: { username: "u", password: "" },
    proxy: { url: "http://proxy" },
    headers: [
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ],
    totalTimeoutMs: 500,
    connectTimeoutMs: 2000,
    readTimeoutMs: 1500,
    concurrency: 2,
    rateLimit: 4,
  });
});

test("what may pass is tried again, with growing waits", () => {
  assert.ok(isTransient("PLP0027"));
  assert.ok(isTransient("PLP0003"));
  assert.ok(isTransient("PLP0025", 429));
  assert.ok(isTransient("PLP0025", 503));
  assert.ok(!isTransient("PLP0025", 404));
  assert.ok(!isTransient("PLP0009"));
  assert.ok(!isTransient("PLP0026"));
  assert.equal(backoffMs(0, 1), 1000);
  assert.equal(backoffMs(2, 1), 4000);
  assert.equal(backoffMs(2, 0), 0);
  assert.equal(backoffMs(20, 1), 60_000);
});

test("digests are compared where both sides have one", () => {
  const url = "http://h/";
  const sha256 = "a".repeat(64);

  assert.equal(wrongDigest({ url, digests: { md5: "x" } }, { sha256 }), undefined);
  assert.equal(
    wrongDigest({ url, digests: { sha256: sha256.toUpperCase() } }, { sha256 }),
    undefined,
  );
  assert.deepEqual(wrongDigest({ url, digests: { sha256: "b" } }, { sha256 }), {
    expected: "b",
    actual: sha256,
  });
});

test("only a strong validator allows to continue", () => {
  const ranges = { "accept-ranges": "bytes" };

  assert.equal(rangeValidator({ ...ranges, etag: '"a"' }), '"a"');
  assert.equal(rangeValidator({ ...ranges, etag: 'W/"a"', "last-modified": "then" }), "then");
  assert.equal(rangeValidator({ ...ranges, etag: 'W/"a"' }), undefined);
  assert.equal(rangeValidator({ etag: '"a"' }), undefined);
  assert.equal(rangeValidator({ ...ranges, etag: '"a"', "content-encoding": "gzip" }), undefined);
  assert.ok(continuesAt("bytes 5-9/10", 5));
  assert.ok(!continuesAt("bytes 4-9/10", 5));
  assert.ok(!continuesAt(undefined, 0));
});
