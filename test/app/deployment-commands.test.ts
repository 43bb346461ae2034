import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { parseFernetKey } from "#platform/crypto/fernet.ts";
import { createIdentity } from "../support/certificates.ts";
import { runProgram, temporaryFolder } from "./program.ts";
import { roleEnvironment } from "./role-environment.ts";

interface Made {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

const manage = (
  t: TestContext,
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
) => runProgram(t, ["manager", ...words], { environment });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

/** Stands in for the API server of a cluster, in which `pulp-settings` is already. */
async function startCluster(t: TestContext, refused = "") {
  const folder = await temporaryFolder(t);
  const authority = createIdentity("Cluster CA");
  const { cert, key } = createIdentity("kubernetes", { issuer: authority, names: ["127.0.0.1"] });
  const requests: { readonly path: string; readonly object: Made }[] = [];
  const server = createServer({ cert, key }, async (request, response) => {
    const object = JSON.parse(await bodyOf(request)) as Made;
    const isKnown = request.headers.authorization === "Bearer of the test";
    requests.push({ path: request.url ?? "", object });
    const { name } = object.metadata;
    const status = !isKnown ? 401 : name === refused ? 403 : name === "pulp-settings" ? 409 : 201;
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ kind: "Status", message: `${name} is forbidden` }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const files = { token: "of the test\n", namespace: "pulp-prod", "ca.crt": authority.cert };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const environment = {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String((server.address() as AddressInfo).port),
    PULP_API_ROOT: "/api/pulp/",
    PULP_CONTENT_PATH_PREFIX: "/api/pulp-content/",
    PULP_CONTENT_ORIGIN: "https://packages.example",
  };
  return { requests, environment, words: ["create-settings-and-ingress", "--account", folder] };
}

test("a pod makes the secrets and the ways in, and keeps what there is", async (t) => {
  const { requests, environment, words } = await startCluster(t);

  const { code, out, err } = await manage(t, words, environment);

  assert.equal(code, 0, err);
  assert.match(out, /^Made Secret pulp-db-fields-encryption in pulp-prod\.$/m);
  assert.match(out, /^Kept Secret pulp-settings in pulp-prod\.$/m);
  assert.deepEqual(
    requests.map(({ path, object }) => `${path} ${object.metadata.name}`),
    [
      "/api/v1/namespaces/pulp-prod/secrets pulp-db-fields-encryption",
      "/api/v1/namespaces/pulp-prod/secrets pulp-settings",
      "/api/v1/namespaces/pulp-prod/secrets pulp-admin-password",
      "/api/v1/namespaces/pulp-prod/secrets pulp-content-sources-password",
      "/apis/route.openshift.io/v1/namespaces/pulp-prod/routes pulp-content",
      "/apis/route.openshift.io/v1/namespaces/pulp-prod/routes pulp-api",
    ],
  );
  const secrets = requests.flatMap(({ object }) => Object.values(object.stringData ?? {}));
  for (const secret of secrets) assert.ok(!out.includes(secret.trim()), "a secret was told");
  const routes = requests.flatMap(({ object: { spec } }) => (spec ? [spec] : []));
  assert.deepEqual(
    routes.map(({ host, path }) => [host, path]),
    [
      ["packages.example", "/api/pulp-content"],
      ["packages.example", "/api/pulp"],
    ],
  );
});

test("what the cluster refuses is told", async (t) => {
  const { environment, words } = await startCluster(t, "pulp-api");

  const { code, err } = await manage(t, words, environment);

  assert.equal(code, 1);
  assert.match(err, /Kubernetes does not make Route pulp-api: 403 pulp-api is forbidden\./);
});

test("outside of a pod, the ways that need no cluster are named", async (t) => {
  const { code, err } = await manage(t, ["create-settings-and-ingress"]);

  assert.equal(code, 1);
  assert.match(err, /This is no pod with a service account: .*--folder and --print need none\./);
});

test("the same can be printed, with an Ingress", async (t) => {
  const words = ["create-settings-and-ingress", "--print", "--ingress", "ingress"];
  const { code, out } = await manage(t, [...words, "--host", "packages.example"]);

  assert.equal(code, 0);
  const objects = parseAllDocuments(out).map((document) => document.toJS() as Made);
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["Secret", "Secret", "Secret", "Secret", "Ingress"],
  );
  const [keys, settings] = objects;
  const key = keys?.stringData?.["database_fields.symmetric.key"] ?? "";
  assert.ok(parseFernetKey(key.trim()), "no key");
  assert.match(settings?.stringData?.["settings.py"] ?? "", /^SECRET_KEY = "[\w-]{64}"\n$/);
});

test("or written to a folder, where files stay as they are", async (t) => {
  const folder = join(await temporaryFolder(t), "etc");
  await mkdir(join(folder, "keys"), { recursive: true });
  await writeFile(join(folder, "keys/database_fields.symmetric.key"), "kept");
  const words = ["create-settings-and-ingress", "--folder", folder];

  assert.equal((await manage(t, words)).code, 0);
  const settings = await readFile(join(folder, "settings.py"), "utf8");
  const { out } = await manage(t, words);

  assert.equal((await readFile(join(folder, "settings.py"), "utf8")) === settings, true);
  assert.match(out, /^Kept .*settings\.py\.$/m);
  assert.equal((await stat(join(folder, "pulp-admin-password"))).mode & 0o777, 0o600);
  assert.equal(await readFile(join(folder, "keys/database_fields.symmetric.key"), "utf8"), "kept");
});

test("flags that do not go together are refused", async (t) => {
  const both = ["create-settings-and-ingress", "--print", "--folder", "x"];
  assert.match((await manage(t, both)).err, /--folder and --print exclude each other\./);
  const odd = ["create-settings-and-ingress", "--print", "--ingress", "gateway"];
  assert.match((await manage(t, odd)).err, /--ingress is route, ingress or none, not 'gateway'\./);
});

interface Row {
  readonly username: string;
  readonly is_superuser: boolean;
  readonly is_active: boolean;
}

test("the jobs make their users, and can be repeated", async (t) => {
  const environment = await roleEnvironment(t);
  const users = async (): Promise<readonly Row[]> => {
    const code =
      "return ctx.db.selectFrom('app_user').select(['username', 'is_superuser', 'is_active']).where('username', '!=', 'AnonymousUser').orderBy('username').execute()";
    return JSON.parse((await manage(t, ["shell", "-c", code], environment)).out);
  };

  const nothing = await manage(t, ["create-contentsources-user"], environment);
  assert.equal(nothing.code, 1);
  assert.match(nothing.err, /CONTENT_SOURCES_PASSWORD is not set\./);
  const secret = { ...environment, CONTENT_SOURCES_PASSWORD: "a long password" };
  const first = await manage(t, ["create-contentsources-user"], secret);
  assert.match(first.out, /^Made the user contentsources\.$/m);
  const again = await manage(t, ["create-contentsources-user"], secret);
  assert.match(again.out, /^Set the password of the user contentsources\.$/m);
  const named = { ...environment, PULP_ADMIN_USERS: "['mara', 'contentsources', 'mara']" };
  const admins = await manage(t, ["add-new-pulp-admin-users-3"], named);
  assert.match(admins.out, /^The user mara is a superuser, and new\.$/m);
  assert.match(admins.out, /^The user contentsources is a superuser\.$/m);
  const password = { ...environment, PULP_ADMIN_PASSWORD: "another long one" };
  const reset = await manage(t, ["reset-admin-password"], password);
  assert.deepEqual([reset.code, reset.err], [0, ""]);

  assert.deepEqual(await users(), [
    { username: "admin", is_superuser: true, is_active: true },
    { username: "contentsources", is_superuser: true, is_active: true },
    { username: "mara", is_superuser: true, is_active: true },
  ]);
});
