import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createIdentity } from "../support/certificates.ts";
import { withoutNeighbours } from "../support/founding-environment.ts";
import { freePort, startServer } from "../support/server.ts";
import { type Cli, createCliFor } from "./support/cli.ts";
import { startCertificateGateway, startTokenGateway } from "./support/credential-gateways.ts";
import { startTokenIssuer, type TokenIssuer } from "./support/token-issuer.ts";

const GATEWAY = "127.0.0.2";
const FILE_SYSTEM = "pulpcore.app.models.storage.FileSystem";

const header = (identity: object): string =>
  Buffer.from(JSON.stringify({ identity })).toString("base64");
const of = (org: string) => ({ org_id: org, internal: { org_id: org } });
const account = (subject: string, org: string) =>
  header({ type: "X509", auth_type: "X509", ...of(org), x509: { subject_dn: `/CN=${subject}` } });
const person = (username: string, org: string) =>
  header({ type: "User", auth_type: "jwt-auth", ...of(org), user: { username } });

/** Two of one organisation, a program and a person, and one of another. */
const SUBJECTS = new Map([
  ["CN=builder", account("builder", "44")],
  ["CN=mara", person("mara", "44")],
  ["CN=rival", account("rival", "7")],
]);

/** Of client credentials: what programs are allowed to be, and what they were once. */
const CLIENTS = new Map([
  ["builder:b", person("builder", "44")],
  ["rival:r", person("rival", "7")],
  ["old:o", header({ ...of("44"), service_account: { client_id: "old", username: "old" } })],
]);

interface Parts {
  readonly folder: string;
  /** Trusts the gateway that asks for certificates, and has none itself. */
  readonly pulp: Cli;
  readonly certificateGateway: string;
  readonly tokenGateway: string;
  readonly issuer: TokenIssuer;
}

const stack = new AsyncDisposableStack();
let parts: Parts;
before(async () => {
  const folder = await mkdtemp(join(tmpdir(), "deckle-credentials-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const ports = { api: await freePort(), content: await freePort() };
  const target = {
    api: `http://127.0.0.1:${ports.api}`,
    content: `http://127.0.0.1:${ports.content}`,
    from: GATEWAY,
  };
  const identities = SUBJECTS;
  const gateway = { ...target, ...(await makeCertificates(folder)), identities };
  const { url: certificateGateway } = stack.use(await startCertificateGateway(gateway));
  const issuer = stack.use(await startTokenIssuer(CLIENTS));
  const { whoami } = issuer;
  const { url: tokenGateway } = stack.use(await startTokenGateway({ ...target, whoami }));
  stack.use(await startServer({ ports, env: environment(certificateGateway, issuer) }));
  const env = { REQUESTS_CA_BUNDLE: join(folder, "gateway.pem") };
  const pulp = stack.use(await cliOf(certificateGateway, {}, env));
  parts = { folder, pulp, certificateGateway, tokenGateway, issuer };
});
after(() => stack.disposeAsync());

/** Those of the clients, one of which an authority of the same name has issued, and the gateway's. */
async function makeCertificates(folder: string) {
  const authority = createIdentity("clients of the gateway");
  const own = createIdentity("gateway", { names: ["127.0.0.1"] });
  const forged = createIdentity("builder", { issuer: createIdentity(authority.name) });
  const clients = ["builder", "mara", "rival"].map(
    (name) => [name, createIdentity(name, { issuer: authority })] as const,
  );
  for (const [name, { cert, key }] of [...clients, ["gateway", own], ["forged", forged]] as const) {
    await writeFile(join(folder, `${name}.pem`), cert);
    await writeFile(join(folder, `${name}.key`), key);
  }
  return { own, authority };
}

function environment(origin: string, { tokenUrl }: TokenIssuer) {
  const flow = { tokenUrl, scopes: { "api.console": "grant_access_to_pulp" } };
  const scheme = { type: "oauth2", flows: { clientCredentials: flow } };
  return {
    ...withoutNeighbours(),
    PULP_ENABLED_PLUGINS: "['file', 'service']",
    PULP_TRUSTED_PROXIES: `['${GATEWAY}']`,
    PULP_CONTENT_ORIGIN: origin,
    PULP_AUTHENTICATION_JSON_HEADER_OPENAPI_SECURITY_SCHEME: `@json ${JSON.stringify(scheme)}`,
  };
}

const cliOf = (
  apiUrl: string,
  credentials: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<Cli> => createCliFor({ apiUrl, apiRoot: "/api/pulp/", credentials, env });

/** Options for the certificate of a name. */
const as = (name: string): readonly string[] => [
  ...["--cert", join(parts.folder, `${name}.pem`)],
  ...["--key", join(parts.folder, `${name}.key`)],
];
const withSecret = (client_id: string, client_secret: string): Promise<Cli> =>
  cliOf(parts.tokenGateway, { client_id, client_secret });

const namesOf = (objects: readonly { readonly name: string }[]) => objects.map(({ name }) => name);
const domainNamed = (name: string) => [
  ...["domain", "create", "--name", name],
  ...["--storage-class", FILE_SYSTEM, "--storage-settings", JSON.stringify({ location: "" })],
];

test("pulp works with a client certificate, for all of its organisation", async () => {
  const { pulp } = parts;
  const builder = (...args: readonly string[]) => pulp.json(...as("builder"), ...args);
  assert.ok((await builder("status")).online_workers.length > 0);
  await builder(...domainNamed("certified"));
  assert.deepEqual(namesOf(await builder("domain", "list")), ["certified"]);
  const repositories = ["--domain", "certified", "file", "repository"];
  const made = await builder(...repositories, "create", "--name", "r");
  assert.match(
    made.pulp_href,
    /^\/api\/pulp\/certified\/api\/v3\/repositories\/file\/file\/[^/]+\/$/,
  );
  assert.deepEqual(namesOf(await builder(...repositories, "list")), ["r"]);
  const colleague = await pulp.json(...as("mara"), ...repositories, "list");
  assert.deepEqual(namesOf(colleague), ["r"], "a person of the same organisation");
});

test("a certificate of another organisation sees nothing, none and a forged one come to nothing", async () => {
  const { pulp } = parts;
  assert.deepEqual(await pulp.json(...as("rival"), "domain", "list"), []);
  for (const action of [["list"], ["create", "--name", "theirs"]]) {
    const repositories = ["--domain", "certified", "file", "repository", ...action];
    assert.match(await pulp.fails(...as("rival"), ...repositories), /is not authorized/);
  }
  assert.match(await pulp.fails("status"), /No required SSL certificate was sent/);
  assert.match(await pulp.fails(...as("forged"), "status"), /The SSL certificate error/);
  await using distrustful = await cliOf(parts.certificateGateway, {});
  assert.match(await distrustful.fails(...as("builder"), "status"), /CERTIFICATE_VERIFY_FAILED/);
});

test("pulp gets a token for client credentials where the description says, and works with it", async () => {
  const { issuer } = parts;
  await using builder = await withSecret("builder", "b");
  assert.ok((await builder.json("status")).online_workers.length > 0);
  assert.equal(issuer.given.length, 0, "the status is for strangers too");
  await builder.json(...domainNamed("by-token"));
  assert.equal(issuer.given.length, 1);
  assert.deepEqual(Object.fromEntries(issuer.given[0] ?? []), {
    grant_type: "client_credentials",
    scopes: "api.console",
  });
  const repositories = ["--domain", "by-token", "file", "repository"];
  await builder.json(...repositories, "create", "--name", "r");
  assert.deepEqual(namesOf(await builder.json(...repositories, "list")), ["r"]);

  await using rival = await withSecret("rival", "r");
  assert.deepEqual(await rival.json("domain", "list"), []);
  assert.match(await rival.fails(...repositories, "list"), /is not authorized/);
});

test("a wrong secret gets no token, and a program without a name of a user is nobody", async () => {
  await using wrong = await withSecret("builder", "x");
  assert.match(await wrong.fails("domain", "list"), /^Error: Failed to fetch OAuth2 token$/m);
  await using old = await withSecret("old", "o");
  assert.match(
    await old.fails("domain", "list"),
    /^Error: Authentication failed for domains_list/m,
  );
});

test("a token that expires between two requests of a command is renewed", async () => {
  const { issuer } = parts;
  await using builder = await withSecret("builder", "b");
  const file = ["--domain", "by-token", "file"];
  const remote = ["--name", "up", "--url", "https://up.example/PULP_MANIFEST"];
  await builder.json(...file, "remote", "create", ...remote);
  const before = issuer.given.length;
  const mirror = (name: string) => ["repository", "create", "--name", name, "--remote", "up"];
  await builder.json(...file, ...mirror("lasting"));
  assert.equal(issuer.given.length, before + 1, "one token for both requests");

  issuer.usesOfToken = 1;
  const made = await builder.json(...file, ...mirror("renewed"));
  assert.equal(issuer.given.length, before + 3, "one for each");
  assert.ok(made.remote);

  issuer.usesOfToken = 0;
  const refused = await builder.fails(...file, "repository", "list");
  assert.match(refused, /Authentication failed for repositories_file_file_list/);
  assert.equal(issuer.given.length, before + 4, "a new one that is refused is not replaced");
});
