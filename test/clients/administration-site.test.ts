import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { withoutNeighbours } from "../support/founding-environment.ts";
import { blackBox } from "./support/black-box.ts";
import { command } from "./support/download.ts";

const SITE = "/api/pulp-mgmt/";
const box = blackBox({
  env: {
    ...withoutNeighbours(),
    PULP_ENABLED_PLUGINS: "['file', 'service']",
    PULP_STATIC_URL: "/api/pulp/assets/",
    PULP_MIDDLEWARE: "@merge ['pulp_service.app.middleware.RHSamlAuthHeaderMiddleware']",
  },
});

/** Body and status of what curl sees at the end of the redirects; cookies are kept in a jar. */
async function curl(jar: string, path: string, ...args: readonly string[]) {
  const file = join(box.pulp.folder, jar);
  const { stdout } = await command("curl", [
    ...["-sSL", "-b", file, "-c", file, "-w", "\n%{http_code}", ...args],
    path.startsWith("http") ? path : `${box.server.apiUrl}${path}`,
  ]);
  const end = stdout.lastIndexOf("\n");
  // The bytes of the answer, one a letter.
  const body = Buffer.from(stdout.slice(0, end), "latin1").toString();
  return { body, status: Number(stdout.slice(end + 1)) };
}

const tokenIn = (html: string): string =>
  /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(html)?.[1] ?? "";

/** Fills in the form of a page and sends it, as a person does. */
async function send(
  jar: string,
  path: string,
  values: Readonly<Record<string, string>>,
  to = path,
) {
  const csrfmiddlewaretoken = tokenIn((await curl(jar, path)).body);
  const fields = Object.entries({ ...values, csrfmiddlewaretoken });
  const texts = fields.flatMap(([name, value]) => ["--data-urlencode", `${name}=${value}`]);
  return curl(jar, to, ...texts);
}

test("an administrator makes and changes domains and groups, and acts as a user", async () => {
  const { username, password } = box.server;
  const home = await send("admin", `${SITE}login/`, { username, password });
  assert.equal(home.status, 200);
  assert.match(home.body, /<h1>Pulp administration<\/h1>/);
  const [, sheet = ""] = /rel="stylesheet" href="([^"]*)"/.exec(home.body) ?? [];
  assert.match((await curl("admin", sheet)).body, /color-scheme/);

  const domain = {
    ...{ name: "team", description: "", pulp_labels: "{}", redirect_to_object_storage: "on" },
    storage_class: "pulpcore.app.models.storage.FileSystem",
    storage_settings: '{"location": ""}',
  };
  const made = await send("admin", `${SITE}core/domain/add/`, domain);
  assert.match(made.body, /The domain “team” was added\./);
  const [, path = ""] = /href="([^"]*)">team<\/a>/.exec(made.body) ?? [];
  const changed = await send("admin", path, { ...domain, description: "Ours & theirs" });
  assert.match(changed.body, /The domain “team” was changed\./, "its task has ended already");
  assert.match(changed.body, /Ours &amp; theirs/);

  const user = { username: "7|mara", password: "a good long one", is_active: "on" };
  const users = await send("admin", `${SITE}auth/user/add/`, user);
  const [, id = ""] = /user\/(\d+)\/change\/">7\|mara/.exec(users.body) ?? [];
  await send("admin", `${SITE}core/group/add/`, { name: "team", users: "7|mara" });
  const org = { user: "", org_id: "7", group: "team", domains: "team" };
  await send("admin", `${SITE}service/domainorg/add/`, org);

  const acquire = "/api/pulp/hijack/acquire/";
  const acting = await send("admin", `${SITE}auth/user/`, { user_pk: id }, acquire);
  assert.match(acting.body, /act as <strong>7\|mara<\/strong>/);
  assert.match((await curl("admin", `${SITE}core/domain/`)).body, />team<\/a>/);
  const back = await send("admin", SITE, {}, "/api/pulp/hijack/release/");
  assert.match(back.body, /You are yourself again\./);
});

test("a gateway logs somebody in, who looks after his own group", async () => {
  const identity = { identity: { associate: { email: "ops@example.org" } } };
  const header = `X-RH-Identity: ${Buffer.from(JSON.stringify(identity)).toString("base64")}`;
  const first = await curl("ops", SITE, "-H", header);
  assert.match(first.body, /Logged in as <strong>ops@example\.org<\/strong>/);
  const group = { name: "operators", users: "ops@example.org" };
  const made = await send("ops", `${SITE}core/group/add/`, group);
  assert.match(made.body, /The group “operators” was added\./);
  assert.equal((await curl("ops", `${SITE}core/task/`)).status, 403);
});
