import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { JWTPayload } from "jose";
import { sha256 } from "#base/digests.ts";
import { createOidcIssuer } from "../../support/oidc-issuer.ts";
import { formOf } from "../../support/rest-api.ts";
import { type Distribution, sdist } from "./distributions.ts";
import { createPythonApi, DISTRIBUTIONS, filenames, made, REPOSITORIES } from "./support.ts";

const PASSWORD = "of the tests 1";
const CLAIMS = { repository: "org/app", environment: "release" };

async function world(t: TestContext) {
  const issuer = await createOidcIssuer(t);
  const settings = {
    PYPI_API_HOSTNAME: "https://index.example:8443",
    PYTHON_TRUSTED_ISSUERS: [issuer.url],
  };
  const api = await createPythonApi(t, settings as object);
  const hrefs = new Map<string, string>();
  for (const name of ["one", "other"]) {
    const { pulp_href: repository } = await made(api, REPOSITORIES, { name });
    hrefs.set(name, repository);
    await made(api, DISTRIBUTIONS, { name, base_path: name, repository });
  }
  const repository = (name: string) => hrefs.get(name) ?? "";
  const post = (path: string, json: object, user?: string | null) =>
    api.request("POST", path, { json, ...(user === undefined ? {} : { user }) });
  return {
    ...{ api, issuer, repository, post },
    trust: (json: object = {}, user?: string, name = "one") =>
      post(
        `${repository(name)}trusted_publishers/`,
        { issuer: issuer.url, claims: CLAIMS, ...json },
        user,
      ),
    sign: (claims: JWTPayload = {}) =>
      issuer.sign({ aud: "index.example", environment: "release", ...claims }),
    mint: (token: string) => post("/_/oidc/mint-token", { token }, null),
    async token(claims: JWTPayload = {}): Promise<string> {
      const { status, body } = await this.mint(await this.sign(claims));
      assert.equal(status, 200, JSON.stringify(body));
      return body.token;
    },
    upload: (token: string, { filename, bytes }: Distribution, name = "one") =>
      api.request("POST", `/pypi/${name}/legacy/`, {
        ...formOf({ ":action": "file_upload", sha256_digest: sha256(bytes).toString("hex") }, [
          { name: "content", bytes, filename },
        ]),
        user: `__token__:${token}`,
      }),
  };
}

test("a job that proves who it is uploads to its repository, and does nothing else", async (t) => {
  const w = await world(t);
  const created = await w.trust();
  const audience = await w.api.get("/_/oidc/audience", { user: null });
  const token = await w.token();
  const user = `__token__:${token}`;

  const uploaded = await w.upload(token, sdist({ name: "acme" }));
  const elsewhere = await w.upload(token, sdist({ name: "acme" }), "other");
  const yank = { json: { name: "acme", version: "0.1" }, user };
  const edit = { json: { add_content_units: [] }, user };

  assert.deepEqual(audience.body, { audience: "index.example" });
  assert.equal(created.status, 201, created.text);
  assert.deepEqual([created.body.user, created.body.projects], ["admin", []]);
  assert.equal(uploaded.status, 202, uploaded.text);
  assert.equal(elsewhere.status, 403);
  assert.equal((await w.api.request("POST", "/pypi/one/yank/", yank)).status, 403);
  assert.equal((await w.api.request("POST", `${w.repository("one")}modify/`, edit)).status, 403);
  assert.equal((await w.api.get(REPOSITORIES, { user })).status, 403);
  assert.deepEqual(await filenames(w.api, w.repository("one")), ["acme-0.1.tar.gz"]);
});

test("who fits no publisher gets no token, and is told which mistake it is", async (t) => {
  const w = await world(t);
  await w.trust();
  const refused = async (token: string) => {
    const { status, body } = await w.mint(token);
    assert.equal(status, 422, JSON.stringify(body));
    return `${body.errors[0].code}: ${body.errors[0].description}`;
  };

  assert.match(await refused(await w.sign({ repository: "org/other" })), /^invalid-publisher: /);
  assert.match(await refused(await w.sign({ environment: "test" })), /^invalid-publisher: /);
  assert.match(await refused(await w.sign({ aud: "pypi" })), /^invalid-token: .*'aud'/);
  assert.match(await refused(await w.sign({ exp: 1 })), /^invalid-token: /);
  assert.match(await refused("x"), /^invalid-token: /);
  const stranger = await createOidcIssuer(t);
  const foreign = await stranger.sign({ aud: "index.example", environment: "release" });
  assert.match(await refused(foreign), /PYTHON_TRUSTED_ISSUERS/);
  assert.deepEqual(stranger.upstream.requests, []);
  const token = await w.sign();
  assert.equal((await w.mint(token)).status, 200);
  assert.match(await refused(token), /exchanged before/);
  assert.equal((await w.post("/_/oidc/mint-token", {}, null)).status, 400);
});

test("a publisher of some projects uploads no others, whatever a file is called", async (t) => {
  const w = await world(t);
  await w.trust({ projects: ["Acme_*"] });
  const token = await w.token();
  const other = sdist({ name: "other" });

  assert.equal((await w.upload(token, sdist({ name: "acme-tool" }))).status, 202);
  const refused = await w.upload(token, other);
  const disguised = await w.upload(token, { ...other, filename: "acme_x-0.1.tar.gz" });

  assert.equal(refused.status, 403);
  assert.match(refused.text, /may not upload other/);
  assert.deepEqual([disguised.status, disguised.text], [403, refused.text]);
  assert.deepEqual(await filenames(w.api, w.repository("one")), ["acme_tool-0.1.tar.gz"]);
});

test("a token is worth nothing once its publisher is gone, or its maker may no more", async (t) => {
  const w = await world(t);
  await w.api.post("users/", { username: "ann", password: PASSWORD });
  const role = { role: "python.pythonrepository_owner", users: ["ann"] };
  await w.api.post(`${w.repository("one")}add_role/`, role);
  const publisher = (await w.trust({}, `ann:${PASSWORD}`)).body;
  const token = await w.token();
  assert.equal(publisher.user, "ann");
  assert.equal((await w.upload(token, sdist({ name: "a" }))).status, 202);

  await w.api.post(`${w.repository("one")}remove_role/`, role);
  assert.equal((await w.upload(token, sdist({ name: "b" }))).status, 403);
  await w.api.post(`${w.repository("one")}add_role/`, role);
  assert.equal((await w.upload(token, sdist({ name: "b" }))).status, 202);
  assert.equal((await w.api.request("DELETE", publisher.pulp_href)).status, 204);
  const late = await w.upload(token, sdist({ name: "c" }));

  assert.equal(late.status, 403);
  assert.match(late.text, /none of this index/);
  assert.equal((await w.mint(await w.sign())).status, 422);
});

test("claims that say nobody's name, and issuers that nobody trusts, are refused", async (t) => {
  const w = await world(t);
  const bad: readonly object[] = [
    { claims: {} },
    { claims: { repository: "*" } },
    { claims: { ref: "refs/heads/main" } },
    { claims: { repository: 7 } },
    { claims: { sub: "x".repeat(1001) } },
    { claims: { constructor: "x" } },
    { claims: { sub: "a\u0000b" } },
    { claims: { sub: "a", "b\u0000": "c" } },
    { claims: { sub: "a\ud800" } },
    { claims: [] },
    { claims: { sub: "" } },
    { issuer: "https://evil.example" },
    { projects: ["*"] },
  ];
  for (const json of bad) assert.equal((await w.trust(json)).status, 400, JSON.stringify(json));
  assert.equal((await w.trust()).status, 201);
  assert.equal((await w.trust()).status, 400);
  assert.equal((await w.trust({}, undefined, "other")).status, 201);
  const listed = await w.api.get(`${w.repository("one")}trusted_publishers/`);
  assert.equal(listed.body.count, 1);
});
