import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { blackBox } from "./support/black-box.ts";
import { command } from "./support/download.ts";

const JSON_HEADER = "pulpcore.app.authentication.JSONHeaderRemoteAuthentication";
const box = blackBox({
  env: {
    PULP_REST_FRAMEWORK__DEFAULT_AUTHENTICATION_CLASSES: `['pulpcore.app.authentication.BasicAuthentication', 'rest_framework.authentication.SessionAuthentication', '${JSON_HEADER}']`,
    PULP_AUTHENTICATION_BACKENDS: "@merge ['django.contrib.auth.backends.RemoteUserBackend']",
    PULP_AUTHENTICATION_JSON_HEADER: "HTTP_X_RH_IDENTITY",
    PULP_AUTHENTICATION_JSON_HEADER_JQ_FILTER: ".identity.user.username",
  },
});

/** Body, status and place of an answer to curl, which keeps cookies in a jar. */
async function curl(path: string, ...args: readonly string[]) {
  const jar = join(box.pulp.folder, "jar");
  const { stdout } = await command("curl", [
    ...["-sS", "-b", jar, "-c", jar, "-w", "\n%{http_code} %{redirect_url}", ...args],
    `${box.server.apiUrl}${path}`,
  ]);
  const end = stdout.lastIndexOf("\n");
  const [status, place] = stdout.slice(end + 1).split(" ");
  return { body: stdout.slice(0, end), status: Number(status), place };
}

const tokenIn = (html: string): string =>
  /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(html)?.[1] ?? "";

test("a person logs in by the form, works, and logs out", async () => {
  const { username, password, apiUrl } = box.server;
  const root = "/pulp/api/v3/";
  const form = await curl(`/auth/login/?next=${root}users/`);
  const token = tokenIn(form.body);
  const fields = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([name, value]) => ["--data-urlencode", `${name}=${value}`]);
  const typed = { username, csrfmiddlewaretoken: token, next: `${root}users/` };
  const refused = await curl("/auth/login/", ...fields({ ...typed, password: "no" }));
  assert.equal(refused.status, 403);

  const done = await curl("/auth/login/", ...fields({ ...typed, password }));
  assert.deepEqual([done.status, done.place], [302, `${apiUrl}${root}users/`]);
  assert.equal(JSON.parse((await curl(`${root}login/`)).body).username, username);
  const add = ["-X", "POST", "-H", "Content-Type: application/json", "-d", '{"username":"eve"}'];
  assert.equal((await curl(`${root}users/`, ...add)).status, 403);
  const page = tokenIn((await curl("/auth/logout/")).body);
  assert.equal((await curl(`${root}users/`, ...add, "-H", `X-CSRFToken: ${page}`)).status, 201);

  const out = await curl("/auth/logout/", ...fields({ csrfmiddlewaretoken: page }));
  assert.equal(out.status, 200);
  assert.equal((await curl(`${root}login/`)).status, 401);
});

test("a gateway names the user, and two headers name nobody", async () => {
  const value = (username: string) =>
    Buffer.from(JSON.stringify({ identity: { user: { username } } })).toString("base64");
  const header = (name: string) => ["-H", `X-RH-Identity: ${value(name)}`];
  const path = "/pulp/api/v3/login/";

  assert.equal(JSON.parse((await curl(path, ...header("mara"))).body).username, "mara");
  const both = await curl(path, ...header("mara"), ...header("admin"));
  assert.deepEqual([both.status, JSON.parse(both.body)], [401, { detail: "Access denied." }]);
  const cut = await curl(path, "-H", `X-RH-Identity: ${value("mara").slice(0, -1)}`);
  assert.equal(cut.status, 401);
});
