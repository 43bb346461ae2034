import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { packPaths } from "../plugins/certguard/support/entitlement.ts";
import { createIdentity } from "../support/certificates.ts";
import { startTlsProxy } from "../support/nginx.ts";
import { blackBox } from "./support/black-box.ts";
import { command } from "./support/download.ts";

const ARC = "1.3.6.1.4.1.2312.9";
const server = createIdentity("proxy", { names: ["127.0.0.1"] });
let proxy: string;

const box = blackBox({}, async ({ pulp, server: { contentUrl } }, stack) => {
  proxy = stack.use(await startTlsProxy({ upstream: contentUrl, ...server })).url;
  await pulp.json("file", "repository", "create", "--name", "g", "--autopublish");
  for (const path of ["os", "debug"]) {
    await writeFile(join(pulp.folder, path), `of ${path}`);
    const file = ["--file", path, "--relative-path", `x86_64/${path}/f`, "--repository", "g"];
    await pulp.json("file", "content", "upload", ...file);
  }
  const distribution = ["--name", "g", "--base-path", "rhel/9", "--repository", "g"];
  await pulp.json("file", "distribution", "create", ...distribution);
  await writeFile(join(pulp.folder, "proxy.pem"), server.cert);
  await makeCertificates();
});

const guard = (...args: readonly string[]) => box.pulp.json("content-guard", ...args);
const openssl = async (...args: readonly string[]) => {
  const { status, stderr } = await command("openssl", args, box.pulp.folder);
  assert.equal(status, 0, stderr);
};

/** Each with a key of its own beside it: two authorities, one below, and clients of theirs. */
async function makeCertificates(): Promise<void> {
  const authority = async (name: string) =>
    openssl(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3"],
      ...["-subj", `/O=Example/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.pem`],
    );
  await authority("ca");
  await authority("other");
  await issue("middle", "ca", ["basicConstraints=critical,CA:TRUE,pathlen:0"]);
  await issue("client", "ca", ["extendedKeyUsage=clientAuth"]);
  await issue("below", "middle", ["keyUsage=critical,digitalSignature"]);
  await issue("stranger", "other", ["extendedKeyUsage=clientAuth"]);
  await issue("old", "ca", ["extendedKeyUsage=clientAuth"], "-1");
  const paths = ["/rhel/$releasever/$basearch/os", "/elsewhere"];
  await issue("host1", "ca", [
    `${ARC}.4.1=ASN1:UTF8:An order`,
    ...paths.map((path, at) => `${ARC}.2.${at + 1}.1.6=ASN1:UTF8:${path.replaceAll("$", "\\$")}`),
  ]);
  await issue("host3", "ca", [
    `${ARC}.6=ASN1:UTF8:3.4`,
    `${ARC}.7=ASN1:FORMAT:HEX,OCTETSTRING:${packPaths(paths).toString("hex")}`,
  ]);
}

async function issue(
  name: string,
  issuer: string,
  extensions: readonly string[],
  days = "3",
): Promise<void> {
  await writeFile(join(box.pulp.folder, `${name}.ext`), extensions.join("\n"));
  await openssl(
    ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/O=Example/CN=${name}`],
    ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
  );
  await openssl(
    ...["x509", "-req", "-in", `${name}.csr`, "-CA", `${issuer}.pem`, "-CAkey", `${issuer}.key`],
    ...["-CAcreateserial", "-days", days, "-extfile", `${name}.ext`, "-out", `${name}.pem`],
  );
}

const OS = "/pulp/content/rhel/9/x86_64/os/f";
const DEBUG = "/pulp/content/rhel/9/x86_64/debug/f";

/** Status and body of a download. */
async function download(...args: readonly string[]) {
  const { stdout } = await command(
    "curl",
    ["-sS", "-w", "\n%{http_code}", ...args],
    box.pulp.folder,
  );
  const cut = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(cut)), body: stdout.slice(0, cut) };
}

/** The same through the proxy, with the certificate of the name. */
const as = (name: string | null, path = OS, ...more: readonly string[]) => {
  const identity = name === null ? [] : ["--cert", `${name}.pem`, "--key", `${name}.key`];
  return download("--cacert", "proxy.pem", ...identity, ...more, `${proxy}${path}`);
};

async function protect(guardName: string): Promise<void> {
  const args = ["--name", "g", "--content-guard", `certguard:${guardName}`];
  await box.pulp.json("file", "distribution", "update", ...args);
  const deadline = Date.now() + 5000;
  while ((await as(null)).status !== 403 && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

const OF_OS = { status: 200, body: "of os" };
const UNSIGNED = {
  status: 403,
  body: "403: Client certificate is not signed by the stored 'ca_certificate'.",
};
const ELSEWHERE = {
  status: 403,
  body: "403: Requested path is not a subpath of a path in the client certificate.",
};

test("an X.509 guard lets pass clients of its authorities through a proxy that ends TLS", async () => {
  const made = await guard("x509", "create", "--name", "x", "--ca-certificate", "@ca.pem");
  const pem = await readFile(join(box.pulp.folder, "ca.pem"), "utf8");
  assert.equal(made.ca_certificate, pem.trim());
  await protect("x509:x");

  assert.deepEqual(await as("client"), OF_OS);
  assert.deepEqual(await as("stranger"), UNSIGNED);
  assert.deepEqual(await as("below"), UNSIGNED);
  assert.deepEqual(await as(null), {
    status: 403,
    body: "403: A client certificate was not received via the `X-CLIENT-CERT` header.",
  });
  const stolen = encodeURIComponent(await readFile(join(box.pulp.folder, "client.pem"), "utf8"));
  assert.equal((await as(null, OS, "-H", `X-CLIENT-CERT: ${stolen}`)).status, 403);
  assert.deepEqual(await as("stranger", OS, "-H", `X-CLIENT-CERT: ${stolen}`), UNSIGNED);
});

test("a changed bundle of authorities holds for the next download", async () => {
  const [ca, middle, other] = await Promise.all(
    ["ca", "middle", "other"].map((name) => readFile(join(box.pulp.folder, `${name}.pem`), "utf8")),
  );
  await writeFile(join(box.pulp.folder, "bundle.pem"), `${other}${middle}${ca}`);
  await guard("x509", "update", "--name", "x", "--ca-certificate", "@bundle.pem");
  for (const name of ["client", "below", "stranger"]) assert.deepEqual(await as(name), OF_OS, name);
  await guard("x509", "update", "--name", "x", "--ca-certificate", "@other.pem");
  assert.deepEqual(await as("client"), UNSIGNED);
  assert.deepEqual(await as("stranger"), OF_OS);
  await guard("x509", "update", "--name", "x", "--ca-certificate", "@ca.pem");
  const wrong = ["content-guard", "x509", "update", "--name", "x", "--ca-certificate", "@ca.key"];
  assert.match(await box.pulp.fails(...wrong), /Must be PEM encoded X\.509 certificate\./);
});

test("certificates pass in the other forms too, and expired ones do not", async () => {
  const file = `${box.server.contentUrl}${OS}`;
  const pem = async (name: string) =>
    (await readFile(join(box.pulp.folder, `${name}.pem`), "utf8")).trim();
  const sent = (value: string) => download("-H", `X-CLIENT-CERT: ${value}`, file);
  const client = await pem("client");

  assert.deepEqual(await sent(client.replaceAll("\n", " ")), OF_OS);
  assert.deepEqual(await sent(encodeURIComponent(client)), OF_OS);
  assert.deepEqual(await sent(client.split("\n").slice(1, -1).join("")), OF_OS);
  const old = await sent(encodeURIComponent(await pem("old")));
  assert.deepEqual(old, { status: 403, body: "403: Client certificate is expired." });
  assert.equal((await sent("garbage")).status, 403);
});

test("an RHSM guard lets pass only to what the entitlement names, packed or written out", async () => {
  await guard("rhsm", "create", "--name", "r", "--ca-certificate", "@ca.pem");
  await protect("rhsm:r");
  for (const host of ["host1", "host3"]) {
    assert.deepEqual(await as(host), OF_OS);
    assert.deepEqual(await as(host, DEBUG), ELSEWHERE);
    assert.deepEqual(await as(host, "/pulp/content/rhel/9/"), ELSEWHERE);
    assert.equal((await as(host, "/pulp/content/rhel/9/x86_64/os/")).status, 200);
    assert.equal((await as(host, `${OS}/../../debug/f`, "--path-as-is")).status, 404);
  }
  assert.deepEqual(await as("client"), ELSEWHERE);
  assert.deepEqual(await as("stranger"), UNSIGNED);
});

test("guards are seen, listed and removed", async () => {
  await guard("rhsm", "update", "--name", "r", "--description", "hosts");
  assert.equal((await guard("rhsm", "show", "--name", "r")).description, "hosts");
  for (const [type, name] of [
    ["x509", "x"],
    ["rhsm", "r"],
  ] as const) {
    const listed: readonly { readonly name: string }[] = await guard(type, "list");
    assert.deepEqual(
      listed.map((each) => each.name),
      [name],
    );
    await guard(type, "destroy", "--name", name);
  }
  assert.deepEqual(await guard("list"), []);
});
