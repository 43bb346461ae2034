import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createApi } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { blackBox } from "./support/black-box.ts";
import { ImageClient } from "./support/image-clients.ts";

const PASSWORD = "correct horse";
const CONSUMER = "container.containerdistribution_consumer";
const PLAIN = "--tls-verify=false";

let host: string;
let ann: ImageClient;
let bob: ImageClient;
let stranger: ImageClient;
const stack = new AsyncDisposableStack();
const box = blackBox({}, async ({ api, server }) => {
  host = new URL(server.apiUrl).host;
  for (const username of ["ann", "bob"]) {
    await api.post("users/", { username, password: PASSWORD });
  }
  ann = stack.use(await ImageClient.create());
  bob = stack.use(await ImageClient.create());
  stranger = stack.use(await ImageClient.create());
  await ann.run("crane", "auth", "login", host, "-u", "ann", "-p", PASSWORD);
  await ann.pushImage(`${host}/ann/app:1`);
  await ann.pushImage(`${host}/ann/secret:1`);
  await setPrivate("ann/secret");
});
after(() => stack.disposeAsync());

async function distribution(basePath: string) {
  const { results } = await box.api.get(`distributions/container/container/?base_path=${basePath}`);
  return results[0];
}

async function setPrivate(basePath: string): Promise<void> {
  const { pulp_href } = await distribution(basePath);
  await box.api.done(await box.api.patch(pulp_href, { private: true }));
}

const login = (user: string, password = PASSWORD) => ["--creds", `${user}:${password}`] as const;

const inspect = (name: string, ...more: readonly string[]) =>
  ["inspect", PLAIN, ...more, `docker://${host}/${name}`] as const;

test("a user pushes below the own name, and everybody pulls what is public", async () => {
  const app = `${host}/ann/app:1`;

  const digest = await ann.run("crane", "digest", app);

  for (const args of [inspect("ann/app:1"), inspect("ann/app:1", ...login("bob"))]) {
    assert.equal(JSON.parse(await stranger.run("skopeo", ...args)).Digest, digest.trim());
  }
  assert.equal(await stranger.run("crane", "digest", app), digest);
  assert.equal(
    await stranger.run("oras", "repo", "tags", "--plain-http", `${host}/ann/app`),
    "1\n",
  );
  await stranger.run("skopeo", "copy", "--src-tls-verify=false", `docker://${app}`, "dir:pulled");
});

test("nobody pushes to what belongs to somebody else, and strangers push nowhere", async () => {
  await bob.run("crane", "auth", "login", host, "-u", "bob", "-p", PASSWORD);
  const copy = (target: string) =>
    ["copy", "--dest-tls-verify=false", "dir:image", `docker://${host}/${target}`] as const;
  const image = `docker://${host}/ann/app:1`;
  await bob.run("skopeo", "copy", "--src-tls-verify=false", image, "dir:image");

  for (const target of ["ann/app:2", "ann/new:1", "other/app:1"]) {
    assert.match(await bob.fails("skopeo", ...copy(target), ...BY_BOB), /denied|unauthorized/);
    assert.match(
      await bob.fails("crane", "copy", `${host}/ann/app:1`, `${host}/${target}`),
      /unauthorized/i,
    );
  }
  await bob.run("skopeo", ...copy("bob/app:1"), ...BY_BOB);
  const refusal = await stranger.fails("crane", "copy", `${host}/ann/app:1`, `${host}/bob/app:2`);
  assert.match(refusal, /unauthorized/i);
  assert.deepEqual((await bob.run("crane", "ls", `${host}/bob/app`)).trim().split("\n"), ["1"]);
});

const BY_BOB = ["--dest-creds", `bob:${PASSWORD}`] as const;

test("a private repository is not there for others, until they are given a role on it", async () => {
  const args = (name: string) => inspect(`${name}:1`, ...login("bob"));
  const told = async (name: string) =>
    (await bob.fails("skopeo", ...args(name))).replaceAll(/ann\/\w+|time="[^"]*"/g, "");
  assert.equal(await told("ann/secret"), await told("ann/absent"));
  await stranger.fails("skopeo", ...inspect("ann/secret:1"));
  assert.match(await ann.run("crane", "catalog", host), /^ann\/secret$/m);
  assert.doesNotMatch(await bob.run("crane", "catalog", host), /^ann\/secret$/m);

  const { pulp_href } = await distribution("ann/secret");
  const role = { role: CONSUMER, users: ["bob"] };
  await box.api.post(`${pulp_href}add_role/`, role);
  await bob.run("skopeo", ...args("ann/secret"));
  assert.match(await bob.run("crane", "catalog", host), /^ann\/secret$/m);
  assert.match(
    await bob.fails("crane", "copy", `${host}/ann/secret:1`, `${host}/ann/secret:2`),
    /unauthorized/i,
  );

  await box.api.post(`${pulp_href}remove_role/`, role);
  await bob.fails("skopeo", ...args("ann/secret"));
});

test("robots pull and push as far as their tokens reach, while they are in force", async () => {
  const make = async (json: object) => {
    const headers = {
      authorization: `Basic ${btoa(`ann:${PASSWORD}`)}`,
      "content-type": "application/json",
    };
    const answer = await box.api.request("POST", "tokens/", {
      body: JSON.stringify(json),
      headers,
    });
    assert.equal(answer.status, 201, await answer.clone().text());
    return Object(await answer.json());
  };
  const { prn } = await distribution("ann/secret");
  const reader = await make({ name: "reader", scopes: ["read"] });
  const only = { scopes: ["container.push_containerdistribution"], objects: [prn] };
  const writer = await make({ name: "writer", ...only });
  const soon = new Date(Date.now() + 2_000).toISOString();
  const short = await make({ name: "short", scopes: ["read"], expires: soon });
  const robot = stack.use(await ImageClient.create());
  const copy = async (token: string, target: string) => {
    await robot.run("crane", "auth", "login", host, "-u", "ann", "-p", token);
    return ["copy", `${host}/ann/secret:1`, `${host}/${target}`] as const;
  };

  await robot.run("skopeo", ...inspect("ann/secret:1", ...login("robot", reader.token)));
  assert.match(
    await robot.fails("crane", ...(await copy(reader.token, "ann/secret:3"))),
    /unauthorized/i,
  );
  await robot.run("crane", ...(await copy(writer.token, "ann/secret:4")));
  assert.match(
    await robot.fails("crane", ...(await copy(writer.token, "ann/app:4"))),
    /unauthorized/i,
  );
  await robot.run("podman", "login", PLAIN, "-u", "robot", "-p", writer.token, host);
  await robot.run("skopeo", ...inspect("ann/secret:4"));

  await box.api.request("DELETE", writer.pulp_href);
  assert.match(await robot.fails("skopeo", ...inspect("ann/secret:4")), /unauthorized|401/i);
  await sleep(Math.max(0, Date.parse(soon) - Date.now()) + 100);
  await robot.fails("skopeo", ...inspect("ann/secret:1", ...login("ann", short.token)));
});

test("podman, oras and helm log in with the password, and not with another", async () => {
  const client = stack.use(await ImageClient.create());
  const commands = [
    ["podman", "login", PLAIN, "-u", "ann", "-p", PASSWORD, host],
    ["oras", "login", "--plain-http", "-u", "ann", "-p", PASSWORD, host],
    ["helm", "registry", "login", "--plain-http", "-u", "ann", "-p", PASSWORD, host],
  ] as const;

  for (const [program, ...args] of commands) {
    await client.run(program, ...args);
    const wrong = args.map((word) => (word === PASSWORD ? "not this one" : word));
    await client.fails(program, ...wrong);
  }
  const other = stack.use(await ImageClient.create());
  await other.run("podman", "login", PLAIN, "-u", "ann", "-p", PASSWORD, host);
  await other.run("skopeo", ...inspect("ann/secret:1"));
  await other.run("podman", "logout", host);
  await other.fails("skopeo", ...inspect("ann/secret:1"));
});

test("what a log-in leaves gets new tokens without the password", async () => {
  const query = new URLSearchParams({ service: host, offline_token: "true", client_id: "a test" });
  const headers = { authorization: `Basic ${btoa(`ann:${PASSWORD}`)}` };
  const answer = await fetch(`http://${host}/token/?${query}`, { headers });
  const { refresh_token } = Object(await answer.json());
  const client = stack.use(await ImageClient.create());
  const tags = (token: string) =>
    ["repo", "tags", "--plain-http", "--identity-token", token, `${host}/ann/secret`] as const;

  assert.match(await client.run("oras", ...tags(refresh_token)), /^1$/m);
  await client.fails("oras", ...tags(`${refresh_token.slice(0, -1)}_`));
});

test("an image is pushed with a signature, and pulled only if it has the right one", async () => {
  const client = stack.use(await ImageClient.create());
  const gnupg = client.path("gnupg");
  await mkdir(gnupg, { mode: 0o700 });
  const gpg = (...args: readonly string[]) =>
    promisify(execFile)("gpg", ["--homedir", gnupg, "--batch", "--quiet", ...args]);
  await gpg(
    "--passphrase",
    "",
    "--quick-generate-key",
    "signer@example.org",
    "rsa2048",
    "sign",
    "never",
  );
  await writeFile(client.path("key.asc"), (await gpg("--armor", "--export")).stdout);
  const folder = ["--registries.d", client.path("registries.d")] as const;
  const signedBy = { type: "signedBy", keyType: "GPGKeys", keyPath: client.path("key.asc") };
  const transports = { docker: { [host]: [{ ...signedBy }] } };
  await writeFile(
    client.path("strict.json"),
    JSON.stringify({ default: [{ type: "reject" }], transports }),
  );
  const source = `docker://${host}/ann/app:1`;
  const target = `docker://${host}/ann/signed:1`;
  const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"] as const;

  const signer = client.with({ GNUPGHOME: gnupg });
  const sign = ["--sign-by", "signer@example.org", "--dest-creds", `ann:${PASSWORD}`] as const;
  await signer.run("skopeo", ...folder, "copy", ...plain, ...sign, source, target);

  const strict = [...folder, "--policy", client.path("strict.json"), "copy", ...plain] as const;
  await client.run("skopeo", ...strict, target, "dir:signed");
  assert.ok((await readdir(client.path("signed"))).includes("signature-1"));
  assert.ok((await readFile(client.path("signed/signature-1"))).length > 100);
  assert.match(await client.fails("skopeo", ...strict, source, "dir:unsigned"), /signature/);
  await gpg("--yes", "--delete-secret-keys", "signer@example.org").catch(() => undefined);
  await promisify(execFile)("gpgconf", ["--homedir", gnupg, "--kill", "all"]);
});

test("without tokens clients log in, and pull what is public without it", async () => {
  await using server = await startServer({ env: { PULP_TOKEN_AUTH_DISABLED: "true" } });
  const client = stack.use(await ImageClient.create());
  const place = new URL(server.apiUrl).host;
  const creds = `${server.username}:${server.password}`;
  const look = (...more: readonly string[]) =>
    ["inspect", PLAIN, ...more, `docker://${place}/team/app:1`] as const;
  await client.run("crane", "auth", "login", place, "-u", "admin", "-p", server.password);
  await client.pushImage(`${place}/team/app:1`);
  const other = stack.use(await ImageClient.create());

  await other.run("skopeo", ...look());
  await other.run("podman", "login", PLAIN, "-u", "admin", "-p", server.password, place);
  await other.fails("podman", "login", PLAIN, "-u", "admin", "-p", "not this one", place);
  const api = createApi(server);
  const { results } = await api.get("distributions/container/container/?base_path=team/app");
  await api.done(await api.patch(results[0].pulp_href, { private: true }));
  await stranger.fails("skopeo", ...look());
  await stranger.run("skopeo", ...look("--creds", creds));
});
