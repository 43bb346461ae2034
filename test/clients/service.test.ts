import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Answer, type Api, createApi } from "../support/api.ts";
import { withoutNeighbours } from "../support/founding-environment.ts";
import { startGateway } from "../support/nginx.ts";
import { freePort, type Server, startServer } from "../support/server.ts";
import { type Cli, createCli } from "./support/cli.ts";
import { pythonPackages, pythonTool } from "./support/python-tools.ts";

const GATEWAY = "127.0.0.2";
const identity = (value: object): string =>
  Buffer.from(JSON.stringify({ identity: value })).toString("base64");
const person = (username: string, org: string) =>
  identity({ type: "User", org_id: org, internal: { org_id: org }, user: { username } });

/** Whom the gateway knows: two organisations, an account with a certificate. */
const IDENTITIES = new Map([
  ["mara:m", person("mara", "44")],
  ["ben:b", person("ben", "44")],
  ["eve:e", person("eve", "7")],
  ["bot:c", identity({ type: "X509", x509: { subject_dn: "/O=Example/CN=bot" } })],
]);

const stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), "deckle-service-"));
const parts: { server?: Server; url?: string; admin?: Api; pulp?: Cli } = {};
const part = <Name extends keyof typeof parts>(name: Name) => {
  const value = parts[name];
  if (value === undefined) throw new Error("the server is not started yet");
  return value;
};

before(async () => {
  const ports = { api: await freePort(), content: await freePort() };
  const url = await gatewayTo(ports);
  const server = stack.use(
    await startServer({
      ports,
      env: {
        ...withoutNeighbours(),
        PULP_ENABLED_PLUGINS: "['file', 'python', 'service']",
        PULP_TRUSTED_PROXIES: `['${GATEWAY}']`,
        PULP_CONTENT_ORIGIN: url,
        PULP_PYPI_API_HOSTNAME: url,
        PULP_DOWNLOAD_METRICS_FLUSH_SECONDS: "1",
      },
    }),
  );
  const pulp = stack.use(
    await createCli({ apiUrl: url, username: "mara", password: "m" }, "/api/pulp/"),
  );
  Object.assign(parts, {
    server,
    url,
    pulp,
    admin: createApi(server, "/api/pulp/default/api/v3/"),
  });
  await part("admin").post("domains/", {
    ...{ name: "template-domain-s3", storage_settings: { location: "" } },
    storage_class: "pulpcore.app.models.storage.FileSystem",
  });
});
after(async () => {
  await stack.disposeAsync();
  await rm(folder, { recursive: true, force: true });
});

const gatewayTo = async ({ api, content }: { api: number; content: number }): Promise<string> => {
  const [apiUrl, contentUrl] = [api, content].map((port) => `http://127.0.0.1:${port}`);
  const options = { api: apiUrl ?? "", content: contentUrl ?? "", from: GATEWAY };
  return stack.use(await startGateway({ ...options, identities: IDENTITIES })).url;
};

/** A request through the gateway, as one of those whom it knows, or as a stranger. */
async function ask(who: string | null, method: string, path: string, body?: object) {
  const credentials = [...IDENTITIES.keys()].find((one) => one.startsWith(`${who}:`));
  const response = await fetch(`${part("url")}${path}`, {
    method,
    redirect: "manual",
    headers: {
      ...(credentials
        ? { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` }
        : {}),
      ...(body ? { "content-type": "application/json" } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  const json = (): Answer => JSON.parse(text);
  return { status: response.status, text, json, headers: response.headers };
}

const tool = (name: string, args: readonly string[]) =>
  pythonTool(name, args, { cwd: folder, env: { HOME: folder } });
const packages = async () =>
  (await readdir(pythonPackages)).sort().map((name) => join(pythonPackages, name));

test("a tenant makes a domain through the gateway, and works in it with the stock CLI", async () => {
  const made = await ask("mara", "POST", "/api/pulp/create-domain/", { name: "team-a" });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.json().storage_class, "pulpcore.app.models.storage.FileSystem");
  const pulp = part("pulp");
  const repository = await pulp.json(
    "--domain",
    "team-a",
    "file",
    "repository",
    "create",
    "--name",
    "r",
  );
  assert.match(repository.pulp_href, /^\/api\/pulp\/team-a\/api\/v3\/repositories\/file\/file\//);
  const domains = await pulp.json("domain", "list");
  assert.deepEqual(
    domains.map(({ name }: { name: string }) => name),
    ["team-a"],
  );
  assert.equal((await ask("ben", "GET", repository.pulp_href)).status, 200, "a colleague");
  assert.equal((await ask("eve", "GET", repository.pulp_href)).status, 403, "somebody else");
  assert.equal((await ask("bot", "GET", repository.pulp_href)).status, 403);
  assert.equal((await ask(null, "GET", repository.pulp_href)).status, 401);
  const refused = await pulp.fails(
    "--domain",
    "default",
    "file",
    "repository",
    "create",
    "--name",
    "r",
  );
  assert.match(refused, /not authorized/);
});

test("a tenant with a password of his own works with the stock CLI past the gateway", async () => {
  const admin = part("admin");
  const [{ pulp_href }] = (await admin.get("users/?username=44|mara")).results;
  const password = "sturdy horses";
  await admin.patch(pulp_href, { password });
  const account = { apiUrl: part("server").apiUrl, username: "44|mara", password };
  await using cli = await createCli(account, "/api/pulp/");
  const own = (...args: readonly string[]) => cli.json("--domain", "team-a", ...args);
  assert.ok((await cli.json("status")).online_workers.length > 0);
  assert.deepEqual(
    (await cli.json("domain", "list")).map(({ name }: { name: string }) => name),
    ["team-a"],
  );
  const url = "https://up.example/PULP_MANIFEST";
  await own("file", "remote", "create", "--name", "up", "--url", url);
  await own("file", "repository", "create", "--name", "basic", "--remote", "up");
  const label = ["--repository", "basic", "--key", "team", "--value", "a"];
  await own("file", "repository", "label", "set", ...label);
  assert.deepEqual((await own("file", "repository", "show", "--name", "basic")).pulp_labels, {
    team: "a",
  });
  const place = ["--name", "basic", "--base-path", "basic", "--repository", "basic"];
  await own("file", "distribution", "create", ...place);
  assert.ok((await own("task", "list")).length > 0);
  const refused = await cli.fails("file", "repository", "create", "--name", "nowhere");
  assert.match(refused, /not authorized/);
});

test("status and livez answer without a domain, and status names the service", async () => {
  const status = await ask(null, "GET", "/api/pulp/api/v3/status/");
  assert.equal(status.status, 200);
  const component = status.json().versions.find((one: Answer) => one.component === "service");
  assert.deepEqual(component, {
    ...{ component: "service", version: "0.1.0", package: "pulp_service" },
    ...{ module: "pulp_service.app", domain_compatible: true },
  });
  for (const path of ["/api/pulp/api/v3/livez/", "/api/pulp-content/default/"])
    assert.equal((await ask(null, "GET", path)).status, 200, path);
});

test("twine and pip work at /api/pypi/ through the gateway, as the tenant or as a stranger", async () => {
  const pulp = part("pulp");
  const python = (...args: readonly string[]) => pulp.json("--domain", "team-a", "python", ...args);
  await python("repository", "create", "--name", "wheels");
  const place = ["--name", "wheels", "--base-path", "rhoai/3.3/cpu", "--repository", "wheels"];
  const distribution = await python("distribution", "create", ...place);
  const index = `${part("url")}/api/pypi/team-a/rhoai/3.3/cpu/`;
  assert.equal(distribution.base_url, index);

  const upload = (who: string, password: string) => async () => {
    const target = ["upload", "--non-interactive", "--disable-progress-bar", "--repository-url"];
    const all = (await packages()).filter((path) => path.endsWith(".whl"));
    return tool("twine", [...target, `${index}legacy/`, "-u", who, "-p", password, ...all]);
  };
  const foreign = await upload("eve", "e")();
  assert.notEqual(foreign.status, 0);
  assert.match(foreign.output, /403/);
  const own = await upload("mara", "m")();
  assert.equal(own.status, 0, own.output);

  await untilListed(index, "iniconfig");
  const install = async (from: string, target: string) =>
    tool("pip", [
      ...["install", "--no-cache-dir", "--disable-pip-version-check", "--no-deps"],
      ...["--target", join(folder, target), "--index-url", from, "iniconfig==2.1.0"],
    ]);
  const installed = await install(`${index}simple/`, "stranger");
  assert.equal(installed.status, 0, installed.output);
  assert.ok((await readdir(join(folder, "stranger"))).includes("iniconfig"));

  const guard = await ask("mara", "POST", "/api/pulp/team-a/api/v3/contentguards/core/header/", {
    ...{ name: "of-7", header_name: "x-rh-identity", header_value: "7" },
    jq_filter: ".identity.org_id",
  });
  const patched = await ask("mara", "PATCH", distribution.pulp_href, {
    content_guard: guard.json().pulp_href,
  });
  assert.ok([200, 202].includes(patched.status), patched.text);
  const as = (credentials: string) => `${index}simple/`.replace("://", `://${credentials}@`);
  await untilStatus(`${index}simple/`, 401);
  assert.notEqual((await install(`${index}simple/`, "refused")).status, 0, "a stranger");
  const entitled = await install(as("eve:e"), "entitled");
  assert.equal(entitled.status, 0, entitled.output);
});

test("what pip downloaded and asked for is counted, by those who did", async () => {
  const base = "/api/pulp/team-a/api/v3/";
  const deadline = Date.now() + 30_000;
  const rows = async (): Promise<Answer[]> =>
    (await ask("mara", "GET", `${base}rpm_package_download/?name=iniconfig`)).json().results;
  while ((await rows()).length < 2) {
    assert.ok(Date.now() < deadline, "the downloads are not counted");
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const told = (await rows()).map((row: Answer) =>
    [row.package_type, row.version, row.client_family, row.org_id, row.user, row.count].join(" "),
  );
  assert.deepEqual(told.toSorted(), ["python 2.1.0 pip   1", "python 2.1.0 pip 7 eve 1"]);
  const summary = (await ask("mara", "GET", `${base}business_metrics/summary/`)).json();
  assert.equal(summary.downloads, 2);
  assert.ok(summary.unique_users >= 2, "she who works there, and she who installed");
  const csv = await ask("mara", "GET", `${base}business_metrics/clients/?format=csv`);
  assert.equal(csv.text, "client_family,requests\r\npip,2\r\n");
  assert.equal((await ask("eve", "GET", `${base}business_metrics/summary/`)).status, 403);
});

test("twine keeps to the record of the repository that it pushes to", async () => {
  const repositories = "/api/pulp/team-a/api/v3/repositories/python/python/?name=wheels";
  const [repository] = (await ask("mara", "GET", repositories)).json().results;
  const made = await ask("mara", "POST", "/api/pulp/team-a/api/v3/push_repository/", {
    ...{ name: "wheels", repository: repository.pulp_href, max_upload_size: 10 },
  });
  assert.equal(made.status, 201, made.text);
  const upload = async () => {
    const [sdist = ""] = (await packages()).filter((path) => path.endsWith(".tar.gz"));
    const target = ["upload", "--non-interactive", "--disable-progress-bar", "--repository-url"];
    const index = `${part("url")}/api/pypi/team-a/rhoai/3.3/cpu/legacy/`;
    return tool("twine", [...target, index, "-u", "mara", "-p", "m", sdist]);
  };
  const large = await upload();
  assert.notEqual(large.status, 0);
  assert.match(large.output, /413/);
  const change = { max_upload_size: null, enabled: false };
  assert.equal((await ask("mara", "PATCH", made.json().pulp_href, change)).status, 200);
  const off = await upload();
  assert.notEqual(off.status, 0);
  assert.match(off.output, /403/);
  assert.equal((await ask("mara", "PATCH", made.json().pulp_href, { enabled: true })).status, 200);
  const taken = await upload();
  assert.equal(taken.status, 0, taken.output);
});

test("an answer of the content app names the organisation that asks", async () => {
  const listing = await ask("eve", "GET", "/api/pulp-content/team-a/none/");
  assert.deepEqual([listing.status, listing.headers.get("x-rh-org-id")], [404, "7"]);
  const bot = await ask("bot", "GET", "/api/pulp-content/team-a/none/");
  assert.equal(bot.headers.get("x-rh-org-id"), null);
});

test("who comes around the gateway is nobody, whatever he claims, and administrators log in", async () => {
  const { apiUrl } = part("server");
  const claim = { "x-rh-identity": person("mara", "44") };
  const path = "/api/pulp/team-a/api/v3/repositories/file/file/";
  assert.equal((await fetch(`${apiUrl}${path}`, { headers: claim })).status, 401);
  const through = await fetch(`${part("url")}${path}`, { headers: claim });
  assert.equal(through.status, 401, "the gateway drops what clients say");
  assert.equal((await part("admin").get(`${path}?name=r`)).count, 1);
});

const untilListed = (index: string, project: string) =>
  untilStatus(`${index}simple/${project}/`, 200);

async function untilStatus(url: string, wanted: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const response = await fetch(url);
    await response.arrayBuffer();
    if (response.status === wanted) return;
    assert.ok(Date.now() < deadline, `${url} still answers ${response.status}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
