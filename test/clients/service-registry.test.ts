import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createApi } from "../support/api.ts";
import { withoutNeighbours } from "../support/founding-environment.ts";
import { startGateway } from "../support/nginx.ts";
import { freePort, startServer } from "../support/server.ts";
import { ImageClient } from "./support/image-clients.ts";
import { writeIndexLayout } from "./support/oci-layout.ts";

const GATEWAY = "127.0.0.2";
const PLAIN = ["--src-tls-verify=false", "--dest-tls-verify=false"] as const;

const person = (username: string, org: string): string =>
  Buffer.from(
    JSON.stringify({
      identity: { type: "User", org_id: org, internal: { org_id: org }, user: { username } },
    }),
  ).toString("base64");

/** Whom the gateway knows: two of one organisation, and one of another. */
const IDENTITIES = new Map([
  ["mara:m", person("mara", "44")],
  ["ben:b", person("ben", "44")],
  ["eve:e", person("eve", "7")],
]);

const stack = new AsyncDisposableStack();
const parts: { host: string; client?: ImageClient } = { host: "" };

/** The gateway hands `/v2/` on below `/api/pulp/`, where a hosted service has its registry. */
before(async () => {
  const ports = { api: await freePort(), content: await freePort() };
  const [api, content] = [ports.api, ports.content].map((port) => `http://127.0.0.1:${port}`);
  const options = { api: api ?? "", content: content ?? "", from: GATEWAY };
  const { url } = stack.use(await startGateway({ ...options, identities: IDENTITIES }));
  const server = stack.use(
    await startServer({
      ports,
      env: {
        ...withoutNeighbours(),
        PULP_ENABLED_PLUGINS: "['file', 'container', 'service']",
        PULP_TRUSTED_PROXIES: `['${GATEWAY}']`,
        PULP_CONTENT_ORIGIN: url,
        PULP_TOKEN_AUTH_DISABLED: "true",
        PULP_REGISTRY_MOUNT_PREFIXES: "['/api/pulp/']",
      },
    }),
  );
  await createApi(server, "/api/pulp/default/api/v3/").post("domains/", {
    ...{ name: "template-domain-s3", storage_settings: { location: "" } },
    storage_class: "pulpcore.app.models.storage.FileSystem",
  });
  const made = await fetch(`${url}/api/pulp/create-domain/`, {
    method: "POST",
    headers: { authorization: basic("mara:m"), "content-type": "application/json" },
    body: JSON.stringify({ name: "team-a" }),
  });
  assert.equal(made.status, 201, await made.text());
  parts.host = new URL(url).host;
  parts.client = stack.use(await ImageClient.create());
});
after(() => stack.disposeAsync());

const basic = (credentials: string): string =>
  `Basic ${Buffer.from(credentials).toString("base64")}`;

const client = (): ImageClient => {
  if (!parts.client) throw new Error("the server is not started yet");
  return parts.client;
};

const image = (reference: string): string => `docker://${parts.host}/team-a/${reference}`;

const skopeo = (...args: readonly string[]): Promise<string> => client().run("skopeo", ...args);

test("skopeo copies in and out through the gateway, as whom the gateway knows", async () => {
  const layout = { name: "multi", architectures: ["amd64", "arm64"] };
  const { digest } = await writeIndexLayout(client().path("layout"), layout);
  const from = `oci:${client().path("layout")}:multi`;
  const copy = (...args: readonly string[]) => skopeo("copy", "--all", ...PLAIN, ...args);
  const as = (who: string) => ["--tls-verify=false", "--creds", who] as const;

  await copy("--dest-creds", "mara:m", from, image("app:1"));
  await copy("--dest-creds", "ben:b", from, image("app:2"));

  const listed = await skopeo("list-tags", ...as("ben:b"), image("app"));
  assert.deepEqual(JSON.parse(listed).Tags, ["1", "2"]);
  const raw = await skopeo("inspect", "--raw", ...as("mara:m"), image(`app@${digest}`));
  assert.equal(JSON.parse(raw).manifests.length, 2);
  await copy("--src-creds", "mara:m", image("app:1"), `dir:${client().path("out")}`);
  const both = ["--src-creds", "mara:m", "--dest-creds", "mara:m"];
  await copy(...both, image("app:1"), image("other/app:1"));
  await skopeo("delete", ...as("mara:m"), image("other/app:1"));
});

test("another organisation, and a stranger, neither see nor push anything", async () => {
  const out = `dir:${client().path("stolen")}`;
  const own = `dir:${client().path("out")}`;
  const eve = ["--tls-verify=false", "--creds", "eve:e"] as const;

  const refused = [
    await client().fails("skopeo", "list-tags", ...eve, image("app")),
    await client().fails("skopeo", "inspect", ...eve, image("app:1")),
    await client().fails("skopeo", "copy", ...PLAIN, "--src-creds", "eve:e", image("app:1"), out),
    await client().fails("skopeo", "copy", ...PLAIN, "--dest-creds", "eve:e", own, image("app:9")),
    await client().fails("skopeo", "delete", ...eve, image("app:1")),
  ];
  for (const output of refused) assert.match(output, /denied|not authorized|403 \(Forbidden\)/i);
  const stranger = ["list-tags", "--tls-verify=false", "--no-creds", image("app")] as const;
  assert.match(
    await client().fails("skopeo", ...stranger),
    /unauthorized|authentication required|401/i,
  );
  const wrong = ["inspect", "--tls-verify=false", "--creds", "mara:wrong", image("app:1")] as const;
  assert.match(await client().fails("skopeo", ...wrong), /unauthorized|authentication|401/i);
});

test("who comes around the gateway is nobody, whatever he claims", async () => {
  const direct = await fetch(`http://${parts.host}/v2/team-a/app/tags/list`, {
    headers: { "x-rh-identity": person("mara", "44") },
  });
  assert.equal(direct.status, 401, "the gateway drops what clients say");
});
